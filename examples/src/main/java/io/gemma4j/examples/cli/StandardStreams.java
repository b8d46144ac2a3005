package io.gemma4j.examples.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * What a program reads from and writes to.
 *
 * @param in standard input
 * @param out standard output; no {@link PrintStream}, which would hide that nobody reads any more
 * @param err standard error
 * @param showProgress whether progress may be drawn on {@code err}, which is so on a terminal
 */
record StandardStreams(InputStream in, OutputStream out, PrintStream err, boolean showProgress) {

    /** Standard output does not take any more. */
    static final class OutputException extends UncheckedIOException {
        private static final long serialVersionUID = 1L;

        OutputException(IOException cause) {
            super(cause);
        }

        /** Whether its reader has gone, as {@code head} does; the wording is the operating system's. */
        boolean isBrokenPipe() {
            String message = getCause().getMessage();
            return message != null && message.contains("pipe");
        }
    }

    StandardStreams withoutProgress() {
        return new StandardStreams(in, out, err, false);
    }

    /**
     * Writes text to standard output at once, as UTF-8.
     *
     * @throws OutputException if that fails
     */
    void print(String text) {
        try {
            out.write(text.getBytes(StandardCharsets.UTF_8));
            out.flush();
        } catch (IOException e) {
            throw new OutputException(e);
        }
    }
}
