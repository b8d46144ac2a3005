package io.gemma4j.examples.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Thinking;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who may ask. */
@Timeout(120)
class AccessTest {
    private static TestServer server;

    @BeforeAll
    static void start() throws Exception {
        server = TestServer.start(new ServerOptions("127.0.0.1", 0, List.of("tiny"), List.of("first key", "second-key"), 1, 1, Duration.ofMinutes(1),
                Duration.ZERO, 1000, List.of("my.home"), List.of("https://app.example"), Thinking.OFF));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    // The clients of the JDK do not let us set the host.
    private static int statusFor(String path, String headers) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", server.server.port())) {
            socket.getOutputStream().write(("GET " + path + " HTTP/1.1\r\n" + headers + "Connection: close\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
            BufferedReader in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            return Integer.parseInt(in.readLine().split(" ")[1]);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Bearer first key", "bearer second-key"})
    void eachKeyOpens(String authorization) {
        assertEquals(200, server.send(server.request("/v1/models").header("Authorization", authorization)).statusCode());
        assertEquals(200, server.send(server.request("/metrics").header("Authorization", authorization)).statusCode());
    }

    @ParameterizedTest
    @ValueSource(strings = {"Bearer first", "Bearer first key2", "Bearer ", "Basic first key", "second-key", "Bearer FIRST KEY"})
    void nothingElseDoes(String authorization) {
        HttpResponse<String> response = server.send(server.request("/v1/models").header("Authorization", authorization));
        assertEquals(401, response.statusCode());
        assertEquals("invalid_api_key", TestServer.json(response).get("error").get("code").asText());
        assertEquals(401, server.get("/metrics").statusCode());
        assertEquals(401, server.post("/v1/chat/completions", "{").statusCode());
    }

    @Test
    void pageAndHealthNeedNoKey() {
        assertEquals(200, server.get("/health").statusCode());
        assertEquals(200, server.get("/").statusCode());
        assertEquals(200, server.get("/chat.js").statusCode());
    }

    @ParameterizedTest
    @ValueSource(strings = {"localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:80", "192.168.1.5", "my.home:8080"})
    void namesThatOnlyThisMachineHasAreKnown(String host) throws Exception {
        assertEquals(200, statusFor("/health", "Host: " + host + "\r\n"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"evil.example", "localhost.evil.example:80", "127.0.0.1.evil.example", "my.home.evil.example"})
    void namesThatAnybodyCanPointHereAreRefused(String host) throws Exception {
        assertEquals(403, statusFor("/health", "Host: " + host + "\r\n"));
        assertEquals(403, statusFor("/", "Host: " + host + "\r\n"));
    }

    @Test
    void requestsWithoutAHostAreRefused() throws Exception {
        assertEquals(400, statusFor("/health", ""));
    }

    @Test
    void pagesOfOtherOriginsAreRefusedUnlessTheyAreListed() throws Exception {
        String host = "Host: localhost:" + server.server.port() + "\r\nOrigin: ";
        assertEquals(403, statusFor("/health", host + "http://evil.example\r\n"));
        assertEquals(403, statusFor("/health", host + "null\r\n"));
        assertEquals(403, statusFor("/health", host + "http://localhost:1\r\n"));
        assertEquals(200, statusFor("/health", host + "http://localhost:" + server.server.port() + "\r\n"));
        assertEquals(200, statusFor("/health", host + "https://app.example\r\n"));
    }

    @Test
    void listedOriginsMayReadAnswers() {
        HttpResponse<String> preflight = server.send(server.request("/v1/chat/completions").header("Origin", "https://app.example")
                .header("Access-Control-Request-Method", "POST").header("Access-Control-Request-Headers", "authorization,x-stainless-os")
                .method("OPTIONS", HttpRequest.BodyPublishers.noBody()));
        assertEquals(204, preflight.statusCode());
        assertEquals("https://app.example", preflight.headers().firstValue("Access-Control-Allow-Origin").orElseThrow());
        assertTrue(preflight.headers().firstValue("Access-Control-Allow-Headers").orElseThrow().contains("x-stainless-os"));
        assertFalse(server.get("/health").headers().firstValue("Access-Control-Allow-Origin").isPresent());
    }

    @Test
    void onlyThisMachineCanReachAServerWithoutAHostOption() throws Exception {
        assertEquals("127.0.0.1", ServerOptions.of("tiny").host());
        for (InetAddress address : NetworkInterface.networkInterfaces().flatMap(NetworkInterface::inetAddresses)
                .filter(address -> !address.isLoopbackAddress() && !address.isLinkLocalAddress()).toList()) {
            assertThrows(IOException.class, () -> new Socket(address, server.server.port()).close(), address.toString());
        }
    }
}
