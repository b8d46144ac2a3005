package io.gemma4j.examples.cli;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** One run of the command line in this JVM and what came of it. */
record CliRun(int exitCode, String out, String err) {
    static final Path FIXTURES = Path.of("../core/src/test/resources/fixtures");
    static final String DENSE = FIXTURES.resolve("dense-mini-Q4_K_M.gguf").toString();

    static CliRun of(String... args) {
        return withInput(new byte[0], args);
    }

    static CliRun withInput(byte[] input, String... args) {
        return run(input, false, args);
    }

    static CliRun onTerminal(String... args) {
        return run(new byte[0], true, args);
    }

    private static CliRun run(byte[] input, boolean terminal, String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream errors = new PrintStream(err, true, StandardCharsets.UTF_8);
        int exitCode = Gemma4Cli.run(new StandardStreams(new ByteArrayInputStream(input), out, errors, terminal), args);
        return new CliRun(exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }
}
