package io.gemma4j.examples.batch;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** The lines of a file as bytes, without their ends. One thread; closed by whoever opened it. */
final class LineReader implements AutoCloseable {
    private static final int BUFFER_BYTES = 1 << 16;

    private final InputStream in;
    private long endBytes;
    private boolean torn;

    LineReader(Path file) throws IOException {
        in = new BufferedInputStream(Files.newInputStream(file), BUFFER_BYTES);
    }

    /** The next line, or null. */
    byte[] next() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        int read = in.read();
        for (; read >= 0 && read != '\n'; read = in.read()) {
            line.write(read);
        }
        if (read < 0 && line.size() == 0) {
            return null;
        }
        torn = read < 0;
        endBytes += line.size() + (torn ? 0 : 1);
        return line.toByteArray();
    }

    /** Whether the last line had no end. */
    boolean isTorn() {
        return torn;
    }

    /** Where the last line ended in the file, its end included. */
    long endBytes() {
        return endBytes;
    }

    static boolean isBlank(byte[] line) {
        for (byte each : line) {
            if (each != ' ' && each != '\t' && each != '\r') {
                return false;
            }
        }
        return true;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
