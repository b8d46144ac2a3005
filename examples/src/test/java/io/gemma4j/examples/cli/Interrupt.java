package io.gemma4j.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Ctrl-C for processes that tests start. */
public final class Interrupt {
    private static final int SIGINT = 1 << 1;

    private Interrupt() {}

    /** Skips the test where a process would never hear of it. */
    public static void assumeItArrives() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (Files.exists(status)) {
            try (Stream<String> lines = Files.lines(status)) {
                long ignored = lines.filter(line -> line.startsWith("SigIgn:")).mapToLong(line -> Long.parseUnsignedLong(line.split("\\s+")[1], 16))
                        .findFirst().orElse(0);
                assumeFalse((ignored & SIGINT) != 0, "this process was started with SIGINT ignored, which the program would inherit");
            }
        }
    }

    /** Presses it. */
    public static void send(Process process) throws IOException, InterruptedException {
        assertEquals(0, new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor());
    }
}
