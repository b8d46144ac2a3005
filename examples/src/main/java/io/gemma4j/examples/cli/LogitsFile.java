package io.gemma4j.examples.cli;

import io.gemma4j.Logits;
import java.io.BufferedOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * A file of little-endian 32-bit floats that appears under its name only when it is complete: {@link #commit()} renames it, {@link #close()}
 * without that deletes it. A device or pipe is written to directly. One thread at a time.
 */
final class LogitsFile implements AutoCloseable {
    private final Path target;
    private final Path written;
    private final OutputStream out;

    /** @throws IOException if the file cannot be created or is a directory */
    LogitsFile(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            throw new FileSystemException(path.toString(), null, "is a directory, expected a file to write to");
        }
        target = Files.exists(path) ? path.toRealPath() : path;
        boolean special = Files.exists(target) && !Files.isRegularFile(target);
        written = special ? target : target.resolveSibling(target.getFileName() + ".part");
        // Not a channel, which an interrupt would close.
        out = new BufferedOutputStream(new FileOutputStream(written.toFile()));
        if (!special) {
            written.toFile().deleteOnExit(); // should the JVM be ended before close
        }
    }

    void append(Logits logits) {
        ByteBuffer row = ByteBuffer.allocate(logits.size() * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        row.asFloatBuffer().put(logits.toArray());
        try {
            out.write(row.array());
        } catch (IOException e) {
            throw new UncheckedIOException(failed(e));
        }
    }

    void commit() throws IOException {
        try {
            out.close();
        } catch (IOException e) {
            throw failed(e);
        }
        if (!written.equals(target)) {
            Files.move(written, target, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private IOException failed(IOException cause) {
        IOException named = new FileSystemException(target.toString(), null, cause.getMessage());
        named.initCause(cause);
        return named;
    }

    @Override
    public void close() throws IOException {
        try (out) {
            // closed even if the disk is full and the buffer cannot be written
        } finally {
            if (!written.equals(target)) {
                Files.deleteIfExists(written);
            }
        }
    }
}
