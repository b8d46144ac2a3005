package io.gemma4j.metal.fake;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The machine's clang, new enough for what shaders need. Thread-safe.
 *
 * @param command e.g. {@code clang-19}
 * @param version its first line
 */
public record Clang(String command, String version) {
    private static final int MINIMUM_MAJOR = 18;
    private static final List<String> NAMES = List.of("clang-19", "clang-20", "clang-21", "clang-22", "clang-18", "clang");
    private static final Pattern MAJOR = Pattern.compile("clang version (\\d+)");

    /**
     * What a run gave.
     *
     * @param exitCode 0 for success
     * @param output what it printed
     * @param diagnostics what it printed to the error stream
     */
    public record Run(int exitCode, String output, String diagnostics) {}

    /** The first one found, or empty. */
    public static Optional<Clang> find() {
        for (String name : NAMES) {
            try {
                String version = run(Path.of("").toAbsolutePath(), List.of(name, "--version")).output().lines().findFirst().orElse("");
                Matcher major = MAJOR.matcher(version);
                if (!version.startsWith("Apple") && major.find() && Integer.parseInt(major.group(1)) >= MINIMUM_MAJOR) {
                    return Optional.of(new Clang(name, version));
                }
            } catch (UncheckedIOException e) {
                // Not installed under this name.
            }
        }
        return Optional.empty();
    }

    /** Runs it in a folder. */
    public Run run(Path folder, String... arguments) {
        List<String> all = new ArrayList<>(List.of(command));
        all.addAll(List.of(arguments));
        return run(folder, all);
    }

    private static Run run(Path folder, List<String> command) {
        try {
            Process process = new ProcessBuilder(command).directory(folder.toFile()).start();
            process.getOutputStream().close();
            StringBuilder diagnostics = new StringBuilder();
            // Both streams are read at once, or the process would wait for the other one.
            Thread reader = Thread.ofVirtual().start(() -> diagnostics.append(read(process.getErrorStream())));
            String output = read(process.getInputStream());
            int exitCode = process.waitFor();
            reader.join();
            return new Run(exitCode, output, diagnostics.toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while compiling", e);
        }
    }

    private static String read(InputStream stream) {
        try (stream) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
