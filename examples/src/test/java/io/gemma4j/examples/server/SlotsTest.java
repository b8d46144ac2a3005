package io.gemma4j.examples.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who is answered when, and what ends an answer early. */
@Timeout(180)
class SlotsTest {
    private static final String PATH = "/v1/chat/completions";
    // Keeps the slow server busy for seconds.
    private static final String LONG_PROMPT = TestServer.saying("word ".repeat(3000), "\"max_tokens\": 1, ");

    private static Socket post(TestServer server, String body) throws IOException {
        Socket socket = new Socket("127.0.0.1", server.server.port());
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        socket.getOutputStream().write(("POST " + PATH + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + bytes.length + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
        socket.getOutputStream().write(bytes);
        return socket;
    }

    @Test
    void clientThatGoesWhileItsPromptIsReadFreesItsSlot() throws Exception {
        try (TestServer server = TestServer.startSlow(TestServer.options(1, 1, Duration.ofMinutes(2)))) {
            Socket reading = post(server, LONG_PROMPT);
            TestServer.await("the prompt is being read", () -> server.busy() == 1);
            Socket waiting = post(server, LONG_PROMPT);
            TestServer.await("the second request waits", () -> server.waiting() == 1);
            waiting.close();
            TestServer.await("it has left the queue", () -> server.waiting() == 0);
            assertEquals(1, server.busy());
            reading.close();
            TestServer.await("the slot is free", () -> server.busy() == 0);
            TestServer.await("both are counted", () -> server.ended("chat.completions", 499) == 2);
            assertEquals(200, server.post(PATH, TestServer.saying("Hi", "\"max_tokens\": 1, ")).statusCode());
        }
    }

    @Test
    void clientThatGoesWhileItIsAnsweredFreesItsSlot() throws Exception {
        try (TestServer server = TestServer.startSlow(TestServer.options(1, 0, Duration.ofMinutes(2)))) {
            Socket socket = post(server, server.longStory());
            BufferedReader in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            String line = in.readLine();
            while (!line.contains("\"content\":\"") || line.contains("\"content\":\"\"")) {
                line = in.readLine();
            }
            assertEquals(1, server.busy());
            socket.close();
            TestServer.await("the slot is free", () -> server.busy() == 0);
            TestServer.await("it is counted", () -> server.ended("chat.completions", 499) == 1);
        }
    }

    @Test
    void whoFindsTheQueueFullIsToldToComeBack() throws Exception {
        try (TestServer server = TestServer.startSlow(TestServer.options(1, 1, Duration.ofMinutes(2)));
                Socket answered = post(server, LONG_PROMPT)) {
            TestServer.await("the slot is busy", () -> server.busy() == 1);
            CompletableFuture<HttpResponse<String>> waiting =
                    CompletableFuture.supplyAsync(() -> server.post(PATH, TestServer.saying("Hi", "\"max_tokens\": 1, ")));
            TestServer.await("another one waits", () -> server.waiting() == 1);
            HttpResponse<String> refused = server.post(PATH, TestServer.saying("Hi", ""));
            assertEquals(429, refused.statusCode());
            assertEquals("1", refused.headers().firstValue("Retry-After").orElseThrow());
            assertEquals("queue_full", TestServer.json(refused).get("error").get("code").asText());
            answered.shutdownOutput(); // a client that will send nothing more counts as gone
            assertEquals(200, waiting.get().statusCode());
        }
    }

    @Test
    void timeLimitEndsAnswersAndWaiting() throws Exception {
        try (TestServer server = TestServer.startSlow(TestServer.options(1, 1, Duration.ofMillis(1500)))) {
            CompletableFuture<HttpResponse<String>> waiting = CompletableFuture.supplyAsync(() -> {
                TestServer.await("the slot is busy", () -> server.busy() == 1);
                return server.post(PATH, TestServer.saying("Hi", ""));
            });
            HttpResponse<String> unanswered = server.post(PATH, LONG_PROMPT);
            assertEquals(504, unanswered.statusCode(), unanswered.body());
            assertEquals("false", unanswered.headers().firstValue("x-should-retry").orElseThrow());
            assertTrue(waiting.get().statusCode() == 503 || waiting.get().statusCode() == 200, waiting.get().body());
            String begun = server.post(PATH, server.longStory()).body();
            assertTrue(begun.contains("\"finish_reason\":\"length\"") && begun.endsWith("data: [DONE]\n\n"), begun);
        }
    }

    @Test
    void closedServerLetsAnswersEndForAWhileAndRefusesNewOnes() throws Exception {
        TestServer server = TestServer.startSlow(TestServer.options(1, 4, Duration.ofMinutes(2)));
        try {
            CompletableFuture<HttpResponse<String>> running = CompletableFuture.supplyAsync(() -> server.post(PATH, server.longStory()));
            TestServer.await("the slot is busy", () -> server.busy() == 1);
            CompletableFuture<HttpResponse<String>> waiting = CompletableFuture.supplyAsync(() -> server.post(PATH, TestServer.saying("Hi", "")));
            TestServer.await("another one waits", () -> server.waiting() == 1);
            Thread closing = Thread.ofVirtual().start(server.server::close);
            assertEquals(503, waiting.get().statusCode());
            assertEquals(503, server.get("/health").statusCode());
            assertEquals("stopping", TestServer.json(server.post(PATH, TestServer.saying("Hi", ""))).get("error").get("code").asText());
            String body = running.get().body();
            assertTrue(body.contains("\"code\":\"stopping\"") || body.contains("\"finish_reason\":\"length\""), body);
            closing.join();
        } finally {
            server.close();
        }
    }

    @Test
    void slotsAnswerAtTheSameTime() throws Exception {
        try (TestServer server = TestServer.startSlow(TestServer.options(2, 0, Duration.ofMinutes(2)));
                Socket first = post(server, LONG_PROMPT)) {
            TestServer.await("the first slot is busy", () -> server.busy() == 1);
            assertEquals(200, server.post(PATH, TestServer.saying("Hi", "\"max_tokens\": 1, ")).statusCode());
            assertEquals(1, server.busy());
            first.getOutputStream().flush();
        }
    }
}
