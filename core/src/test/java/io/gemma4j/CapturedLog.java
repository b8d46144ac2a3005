package io.gemma4j;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Takes what is logged, which the simple logger of the tests prints to standard error, until it is closed. */
final class CapturedLog implements AutoCloseable {
    private final PrintStream original = System.err;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    CapturedLog() {
        System.setErr(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    }

    /** The lines of the library at that level. */
    List<String> lines(String level) {
        return bytes.toString(StandardCharsets.UTF_8).lines().filter(line -> line.contains(" " + level + " io.gemma4j.")).toList();
    }

    @Override
    public void close() {
        System.setErr(original);
    }
}
