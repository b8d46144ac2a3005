package io.gemma4j.examples.hub;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** The Hub on this machine, with one repository, and a second address for contents as the real one has. Misbehaves as it is told. */
final class FakeHub implements AutoCloseable {
    static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

    /** What the content server does with a request. */
    enum Fault {
        NONE,
        /** Ends the connection in the middle of the rest. */
        DROP,
        /** Promises more than it sends, and then sends no more. */
        STALL,
        /** Sends more than the Hub has said. */
        TOO_LONG,
        /** Sends other bytes. */
        CORRUPT,
        /** Sends everything although a part was asked for. */
        NO_RANGES,
        /** Sends another part than asked for. */
        WRONG_RANGE,
        /** Says that there is no such part. */
        REFUSE_RANGE,
        TOO_MANY_REQUESTS,
        SERVER_ERROR,
        /** Ends the connection before the first byte. */
        NOTHING
    }

    /** A request as it came. */
    record Seen(String server, String path, String range, String ifRange, String authorization) {}

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final HttpServer api = server();
    private final HttpServer contents = server();
    private final Map<String, byte[]> files = new LinkedHashMap<>();
    private final List<Fault> faults = Collections.synchronizedList(new ArrayList<>());
    final List<Seen> seen = Collections.synchronizedList(new ArrayList<>());
    volatile String requiredToken;
    volatile String entityTag = "\"one\"";
    volatile boolean redirectsToRelativeAddress;
    final AtomicInteger downloads = new AtomicInteger();

    FakeHub() throws IOException {
        api.createContext("/api/models/owner/tiny-GGUF/revision/", this::describe);
        api.createContext("/owner/tiny-GGUF/resolve/", this::redirect);
        api.createContext("/moved/", this::content);
        contents.createContext("/moved/", this::content);
        api.start();
        contents.start();
    }

    private HttpServer server() {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.setExecutor(threads);
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    FakeHub with(String name, byte[] content) {
        files.put(name, content);
        return this;
    }

    /** What happens to the next requests for contents, one after the other. */
    FakeHub next(Fault... what) {
        faults.addAll(Arrays.asList(what));
        return this;
    }

    URI endpoint() {
        return URI.create("http://localhost:" + api.getAddress().getPort());
    }

    static String hash(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private void describe(HttpExchange exchange) throws IOException {
        note("api", exchange);
        if (refused(exchange)) {
            return;
        }
        if (!exchange.getRequestURI().getPath().endsWith("/main") && !exchange.getRequestURI().getPath().endsWith("/" + COMMIT)) {
            exchange.sendResponseHeaders(404, -1);
            return;
        }
        List<Map<String, Object>> siblings = new ArrayList<>();
        siblings.add(Map.of("rfilename", "../../../evil.gguf", "size", 1, "blobId", "a".repeat(40)));
        files.forEach((name, content) -> siblings.add(Map.of("rfilename", name, "size", content.length, "blobId", "b".repeat(40), "lfs",
                Map.of("sha256", hash(content), "size", content.length, "pointerSize", 134))));
        byte[] answer = new ObjectMapper().writeValueAsBytes(Map.of("id", "owner/tiny-GGUF", "sha", COMMIT, "siblings", siblings));
        exchange.sendResponseHeaders(200, answer.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(answer);
        }
    }

    private boolean refused(HttpExchange exchange) throws IOException {
        if (requiredToken == null || ("Bearer " + requiredToken).equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
            return false;
        }
        exchange.sendResponseHeaders(exchange.getRequestHeaders().containsKey("Authorization") ? 403 : 401, -1);
        exchange.close();
        return true;
    }

    private void redirect(HttpExchange exchange) throws IOException {
        note("api", exchange);
        if (!refused(exchange)) {
            String path = exchange.getRequestURI().getRawPath().replaceFirst(".*/resolve/[^/]+", "/moved");
            exchange.getResponseHeaders().add("Location", redirectsToRelativeAddress ? path : "http://127.0.0.1:" + contents.getAddress().getPort() + path);
            exchange.sendResponseHeaders(302, -1);
            exchange.close();
        }
    }

    private void note(String server, HttpExchange exchange) {
        var headers = exchange.getRequestHeaders();
        seen.add(new Seen(server, exchange.getRequestURI().getPath(), headers.getFirst("Range"), headers.getFirst("If-Range"), headers.getFirst("Authorization")));
    }

    private void content(HttpExchange exchange) throws IOException {
        note("contents", exchange);
        Fault fault = faults.isEmpty() ? Fault.NONE : faults.removeFirst();
        byte[] content = files.get(exchange.getRequestURI().getPath().replaceFirst("/moved/", "")).clone();
        switch (fault) {
            case TOO_MANY_REQUESTS -> {
                exchange.getResponseHeaders().add("Retry-After", "0");
                exchange.sendResponseHeaders(429, -1);
            }
            case SERVER_ERROR -> exchange.sendResponseHeaders(503, -1);
            case REFUSE_RANGE -> exchange.sendResponseHeaders(416, -1);
            default -> send(exchange, fault, content);
        }
        exchange.close();
    }

    private void send(HttpExchange exchange, Fault fault, byte[] content) throws IOException {
        downloads.incrementAndGet();
        if (fault == Fault.CORRUPT) {
            content[content.length / 2] ^= 1;
        }
        String range = exchange.getRequestHeaders().getFirst("Range");
        String ifRange = exchange.getRequestHeaders().getFirst("If-Range");
        boolean partial = range != null && fault != Fault.NO_RANGES && (ifRange == null || ifRange.equals(entityTag));
        int from = partial ? Integer.parseInt(range.replaceAll("bytes=(\\d+)-", "$1")) : 0;
        if (fault == Fault.WRONG_RANGE) {
            from = 1;
        }
        exchange.getResponseHeaders().add("ETag", entityTag);
        if (partial) {
            exchange.getResponseHeaders().add("Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
        }
        int length = content.length - from;
        int sent = switch (fault) {
            case DROP, STALL -> length / 2;
            case NOTHING -> 0;
            default -> length;
        };
        exchange.sendResponseHeaders(partial ? 206 : 200, fault == Fault.TOO_LONG ? length + 10 : length);
        OutputStream out = exchange.getResponseBody();
        out.write(content, from, sent);
        if (fault == Fault.TOO_LONG) {
            out.write(new byte[10]);
        }
        out.flush();
        if (fault == Fault.STALL) {
            pause();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(30_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        api.stop(0);
        contents.stop(0);
        threads.shutdownNow();
    }
}
