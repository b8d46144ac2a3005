package io.gemma4j.examples.hub;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.examples.cli.Interrupt;
import io.gemma4j.examples.hub.FakeHub.Fault;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The command line in processes of its own, which are killed, run out of space and meet each other. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "limits of file sizes are set with ulimit, and there is no SIGINT")
class PullProcessTest {
    private static final byte[] CONTENT = new byte[3_000_000];
    private static final String NAME = "tiny-Q4_K_M.gguf";

    @TempDir
    private Path home;
    private FakeHub hub;

    @BeforeEach
    void start() throws Exception {
        new Random(2).nextBytes(CONTENT);
        hub = new FakeHub().with(NAME, CONTENT);
    }

    @AfterEach
    void stop() {
        hub.close();
    }

    private Process pull(String before) throws IOException {
        List<String> java = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:-UsePerfData", "-XX:TieredStopAtLevel=1",
                "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
                "io.gemma4j.examples.cli.Gemma4Cli", "pull", "hf:owner/tiny-GGUF"));
        List<String> command = new ArrayList<>(List.of("sh", "-c", before + "exec \"$@\"", "sh"));
        command.addAll(java);
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().keySet().removeIf(name -> name.startsWith("HF_"));
        builder.environment().put("HF_ENDPOINT", hub.endpoint().toString());
        builder.environment().put("HF_HOME", home.toString());
        builder.redirectError(home.resolve("err").toFile());
        return builder.start();
    }

    private Path file(Process process) throws Exception {
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), errors());
        return Path.of(out.strip());
    }

    private String errors() throws IOException {
        return Files.readString(home.resolve("err"));
    }

    private Path partial() {
        return home.resolve("hub/models--owner--tiny-GGUF/blobs/" + FakeHub.hash(CONTENT) + ".incomplete");
    }

    private void assertGoesOn() throws Exception {
        long have = Files.size(partial());
        assertTrue(have > 0 && have < CONTENT.length, have + " bytes");
        hub.seen.clear();
        assertArrayEquals(CONTENT, Files.readAllBytes(file(pull(""))));
        assertEquals("bytes=" + have + "-", hub.seen.getLast().range());
    }

    @Test
    void aFullDiskLeavesWhatHasCome() throws Exception {
        Process process = pull("ulimit -f 1000; ");
        assertEquals(1, process.waitFor(), errors());
        assertTrue(errors().contains(".incomplete: ") && errors().contains("what has come is kept"), errors());
        assertGoesOn();
    }

    @Test
    void controlCLeavesWhatHasCome() throws Exception {
        Interrupt.assumeItArrives();
        hub.next(Fault.STALL);
        Process process = pull("");
        while (!Files.exists(partial()) || Files.size(partial()) == 0) {
            assertTrue(process.isAlive(), errors());
            Thread.sleep(10);
        }
        Interrupt.send(process);
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        assertNotEquals(0, process.exitValue());
        assertGoesOn();
    }

    @Test
    void processesThatWantTheSameModelDownloadItOnce() throws Exception {
        Process one = pull("");
        Process other = pull("");
        assertEquals(file(one), file(other));
        assertArrayEquals(CONTENT, Files.readAllBytes(partial().resolveSibling(FakeHub.hash(CONTENT))));
        assertEquals(1, hub.downloads.get());
    }
}
