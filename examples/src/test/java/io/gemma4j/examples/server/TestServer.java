package io.gemma4j.examples.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gemma4j.CpuKernels;
import io.gemma4j.Gemma4;
import io.gemma4j.LoadOptions;
import io.gemma4j.Thinking;
import io.gemma4j.examples.EmbeddedModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A server of the embedded model on a free port of this machine, and what asks it without a client library. */
final class TestServer implements AutoCloseable {
    static final String MODEL = "tiny";
    static final String WEATHER_TOOL = "{\"type\": \"function\", \"function\": {\"name\": \"get_weather\", \"description\": \"Current weather for a city\", "
            + "\"parameters\": {\"type\": \"object\", \"properties\": {\"city\": {\"type\": \"string\", \"description\": \"City name\"}}, \"required\": [\"city\"]}}}";
    private static final ObjectMapper JSON = new ObjectMapper();

    final Gemma4Server server;
    private final Gemma4 model;
    private final HttpClient http = HttpClient.newHttpClient();

    private TestServer(Gemma4 model, ServerOptions options) throws IOException {
        this.model = model;
        this.server = Gemma4Server.start(model, options);
    }

    static TestServer start() throws IOException {
        return start(options(2, 8, Duration.ofMinutes(2)));
    }

    static TestServer start(ServerOptions options) throws IOException {
        return start(options, o -> o);
    }

    static TestServer start(ServerOptions options, UnaryOperator<LoadOptions> change) throws IOException {
        return new TestServer(Gemma4.load(EmbeddedModel.file(), change.apply(LoadOptions.defaults().threads(1))), options);
    }

    /** One that takes seconds for a long prompt. */
    static TestServer startSlow(ServerOptions options) throws IOException {
        return new TestServer(Gemma4.load(EmbeddedModel.file(), LoadOptions.defaults().threads(1).cpuKernels(CpuKernels.SCALAR).prefillTokens(64)), options);
    }

    static ServerOptions options(int slots, int queueLength, Duration timeLimit) {
        return new ServerOptions("127.0.0.1", 0, List.of(MODEL, "alias"), List.of(), slots, queueLength, timeLimit, Duration.ofSeconds(1), 100_000,
                List.of(), List.of(), Thinking.OFF);
    }

    String url() {
        return "http://127.0.0.1:" + server.port();
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(url() + path)).timeout(Duration.ofMinutes(1));
    }

    HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    HttpResponse<String> get(String path) {
        return send(request(path));
    }

    HttpResponse<String> post(String path, String body) {
        return send(request(path).POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    static JsonNode json(HttpResponse<String> response) {
        try {
            return JSON.readTree(response.body());
        } catch (IOException e) {
            throw new UncheckedIOException(response.body(), e);
        }
    }

    int port() {
        return server.port();
    }

    int vocabulary() {
        return model.tokenizer().vocabularySize();
    }

    int busy() {
        return json(get("/health")).get("slots_busy").intValue();
    }

    int waiting() {
        return json(get("/health")).get("queue_length").intValue();
    }

    /** How often a request ended with a status. */
    int ended(String endpoint, int status) {
        String line = "gemma4_requests_seconds_count{endpoint=\"" + endpoint + "\",status=\"" + status + "\"} ";
        return get("/metrics").body().lines().filter(text -> text.startsWith(line)).mapToInt(text -> Integer.parseInt(text.substring(line.length()))).sum();
    }

    static void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("it took more than a minute until " + what);
            }
            try {
                Thread.sleep(10);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** The body of a request that ends with what a user says. */
    static String saying(String text, String otherFields) {
        return "{\"temperature\": 0, " + otherFields + "\"messages\": [{\"role\": \"user\", \"content\": \"" + text + "\"}]}";
    }

    /** The body of a request for a stream that only its limits end. */
    String longStory() {
        String bias = IntStream.of(model.tokenizer().endOfGenerationTokens()).mapToObj(token -> "\"" + token + "\": -100").collect(Collectors.joining(", "));
        return saying("Tell me a story.", "\"stream\": true, \"logit_bias\": {" + bias + "}, ");
    }

    @Override
    public void close() {
        server.close();
        model.close();
    }
}
