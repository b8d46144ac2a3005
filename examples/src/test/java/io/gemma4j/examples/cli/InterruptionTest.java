package io.gemma4j.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Presses Ctrl-C on the program in a JVM of its own. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "Windows has no signal that a test could send")
@Timeout(60)
class InterruptionTest {
    @TempDir
    private Path folder;

    @BeforeEach
    void signalsArrive() throws Exception {
        Interrupt.assumeItArrives();
    }

    private Process start(String... args) throws Exception {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--add-modules",
                "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
                Gemma4Cli.class.getName()));
        command.addAll(List.of(args));
        return new ProcessBuilder(command).redirectError(folder.resolve("err").toFile()).start();
    }

    private String errors() throws Exception {
        String err = Files.readString(folder.resolve("err"));
        return err.lines().filter(line -> !line.contains("incubator modules")).reduce("", (all, line) -> all + line + "\n");
    }

    @Test
    void controlCKeepsTheTextAndPrintsTheStatistics() throws Exception {
        // Greedily this model does not end its turn, so only the context of 4096 tokens would end this.
        String[] args = {"generate", "--model", CliRun.DENSE, "--raw", "--prompt", "Hi", "--temperature", "0", "--cpu", "scalar", "--threads", "1",
                "--stats", "--max-tokens", "4000"};
        Process process = start(args);
        String text;
        try (InputStream out = process.getInputStream()) {
            byte[] first = out.readNBytes(20);
            Interrupt.send(process);
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            all.writeBytes(first);
            all.writeBytes(out.readAllBytes());
            text = all.toString(StandardCharsets.UTF_8);
        }
        assertEquals(130, process.waitFor());
        Matcher statistics = Pattern.compile("backend      cpu.*generated    (\\d+) tokens.*finish       CANCELLED\n", Pattern.DOTALL).matcher(errors());
        assertTrue(statistics.matches(), errors());
        assertTrue(Integer.parseInt(statistics.group(1)) < 4000);
        args[args.length - 1] = statistics.group(1);
        assertEquals(CliRun.of(args).out(), text, "as if that many tokens had been asked for");
    }

    @Test
    void controlCLeavesNoHalfFileOfLogits() throws Exception {
        Path ids = Files.writeString(folder.resolve("ids"), "2 3 4 5 6 7 8 9\n".repeat(20_000));
        Path part = folder.resolve("out.part");
        Process process = start("logits", "--model", CliRun.DENSE, "--ids-file", ids.toString(), "--out", folder.resolve("out").toString());
        while (!Files.exists(part) || Files.size(part) == 0) {
            assertTrue(process.isAlive(), errors());
            Thread.sleep(5);
        }
        Interrupt.send(process);
        assertEquals(130, process.waitFor());
        assertEquals("", errors());
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of("err", "ids"), files.map(file -> file.getFileName().toString()).sorted().toList());
        }
    }

    @Test
    void aSecondControlCEndsAProgramThatCannotFinish() throws Exception {
        // Nobody reads: the pipe fills up, and the program waits in a write.
        Process process = start("generate", "--model", CliRun.DENSE, "--raw", "--prompt", "Hi", "--temperature", "0", "--json", "--logprobs", "1000",
                "--max-tokens", "40");
        while (process.getInputStream().available() == 0) {
            assertTrue(process.isAlive(), errors());
            Thread.sleep(20);
        }
        Interrupt.send(process);
        assertFalse(process.waitFor(1, TimeUnit.SECONDS), "the first one waits for the program to finish");
        Interrupt.send(process);
        assertTrue(process.waitFor(5, TimeUnit.SECONDS), "the second one does not wait as long as the first");
        assertEquals(130, process.exitValue());
    }
}
