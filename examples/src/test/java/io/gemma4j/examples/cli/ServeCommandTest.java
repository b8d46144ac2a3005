package io.gemma4j.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintStream;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(120)
class ServeCommandTest {
    @TempDir
    private Path folder;

    @Test
    void addressIsPrintedAndTheModelServedUntilTheEnd() throws Exception {
        Path keys = Files.writeString(folder.resolve("keys"), "one\n\n two \n");
        PipedInputStream out = new PipedInputStream();
        StandardStreams streams = new StandardStreams(new ByteArrayInputStream(new byte[0]), new PipedOutputStream(out),
                new PrintStream(PrintStream.nullOutputStream()), false);
        FutureTask<Integer> run = new FutureTask<>(() -> Gemma4Cli.run(streams, "serve", "--model", CliRun.DENSE, "--port", "0", "--name", "mini",
                "--api-key-file", keys.toString(), "--cpu", "scalar", "--threads", "1"));
        Thread thread = Thread.ofPlatform().start(run);
        String address = new BufferedReader(new InputStreamReader(out, StandardCharsets.UTF_8)).readLine();
        assertTrue(address.matches("http://127\\.0\\.0\\.1:\\d+/"), address);
        HttpClient http = HttpClient.newHttpClient();
        HttpRequest.Builder models = HttpRequest.newBuilder(URI.create(address + "v1/models"));
        assertEquals(401, http.send(models.build(), HttpResponse.BodyHandlers.ofString()).statusCode());
        HttpResponse<String> found = http.send(models.header("Authorization", "Bearer two").build(), HttpResponse.BodyHandlers.ofString());
        assertTrue(found.body().contains("\"id\":\"mini\""), found.body());
        thread.interrupt();
        assertEquals(Gemma4Cli.INTERRUPTED, run.get());
    }

    @ParameterizedTest
    @CsvSource({"--slots, 0, slots must be at least 1", "--queue, -1, queueLength must be at least 0", "--port, 70000, port must be from 0 to 65535",
        "--time-limit, 0, timeLimit must be positive", "--max-body, 0, maxBodyBytes must be at least 1", "--thinking, maybe, must be off"})
    void wrongValueIsAUsageError(String option, String value, String message) {
        CliRun run = CliRun.of("serve", "--model", "no-such.gguf", option, value);
        assertEquals(Gemma4Cli.USAGE, run.exitCode(), run.err());
        assertTrue(run.err().contains(message), run.err());
    }

    @Test
    void emptyKeyFileIsAUsageError() throws Exception {
        Path keys = Files.writeString(folder.resolve("keys"), "\n");
        CliRun run = CliRun.of("serve", "--model", CliRun.DENSE, "--api-key-file", keys.toString());
        assertEquals(Gemma4Cli.USAGE, run.exitCode());
        assertTrue(run.err().contains("holds no key"), run.err());
    }

    @Test
    void portThatIsTakenIsAFailureInOneLine() throws Exception {
        try (ServerSocket taken = new ServerSocket(0)) {
            CliRun run = CliRun.of("serve", "--model", CliRun.DENSE, "--host", "0.0.0.0", "--port", String.valueOf(taken.getLocalPort()));
            assertEquals(Gemma4Cli.FAILED, run.exitCode());
            assertTrue(run.err().contains("cannot listen on 0.0.0.0 port " + taken.getLocalPort()), run.err());
        }
    }
}
