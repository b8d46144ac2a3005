package io.gemma4j.examples.server;

import io.gemma4j.Gemma4;
import io.helidon.http.DirectHandler;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.ServerResponseHeaders;
import io.helidon.http.Status;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.http.DirectHandlers;
import io.helidon.webserver.http.HttpRouting;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import io.helidon.webserver.http1.Http1Config;
import io.helidon.webserver.http1.Http1ConnectionSelector;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;

/**
 * A server of one model, with OpenAI's API and a page to talk with it.
 *
 * {@snippet :
 * try (Gemma4 model = Gemma4.load(path); Gemma4Server server = Gemma4Server.start(model, ServerOptions.of("gemma-4"))) {
 *     System.out.println("http://127.0.0.1:" + server.port());
 *     Thread.sleep(Duration.ofHours(1));
 * }
 * }
 *
 * <p>Thread-safe. Borrows the model, and is closed before it by whoever started it. Where the server listens on more than loopback, TLS is the
 * business of a proxy before it.
 */
public final class Gemma4Server implements AutoCloseable {
    private static final int MAX_CONNECTIONS = 1024;
    private static final Duration SLACK = Duration.ofMinutes(1);

    private final ServerOptions options;
    private final SlotPool slots;
    private final Answering answering;
    private final ServerMetrics metrics;
    private final WebServer web;

    private Gemma4Server(Gemma4 model, ServerOptions options) {
        this.options = options;
        this.slots = new SlotPool(model, options.slots(), options.queueLength());
        this.answering = new Answering(slots, options.timeLimit());
        this.metrics = new ServerMetrics(slots);
        Models models = new Models(options.modelNames(), model.info());
        HttpRouting.Builder routing = HttpRouting.builder()
                .addFilter(new AccessFilter(options))
                .error(ApiError.class, (request, response, error) -> Exchange.send(response, error))
                .post("/v1/chat/completions", new ChatCompletions(model, options, answering, metrics))
                .post("/v1/completions", new Completions(model, options, answering, metrics))
                .post("/v1/embeddings", new Embeddings(model, options, answering, metrics))
                .get("/v1/models", models::list)
                .get("/v1/models/{name}", models::one)
                .get("/health", this::health)
                .get("/metrics", metrics::scrape)
                .register("/", new ChatPage());
        this.web = WebServer.builder().host(options.host()).port(options.port()).shutdownHook(false).routing(routing)
                .maxPayloadSize(options.maxBodyBytes()).maxTcpConnections(MAX_CONNECTIONS)
                .protocolsDiscoverServices(false)
                .addConnectionSelector(ClientConnection.selector(Http1ConnectionSelector.builder().config(Http1Config.create()).build()))
                .connectionOptions(socket -> socket.tcpNoDelay(true))
                .directHandlers(refusals())
                .build();
    }

    /**
     * Starts to serve a model.
     *
     * @param model stays open as long as the server
     * @param options how
     * @return the server, which answers from now on; the caller closes it
     * @throws IOException if the address cannot be listened on
     */
    public static Gemma4Server start(Gemma4 model, ServerOptions options) throws IOException {
        requireFree(options);
        Gemma4Server server = new Gemma4Server(model, options);
        server.web.start();
        if (!server.web.isRunning()) {
            server.close();
            throw new IOException("cannot listen on " + options.host() + " port " + options.port() + "; the log says why");
        }
        return server;
    }

    // The web server would only log that it is not.
    private static void requireFree(ServerOptions options) throws IOException {
        try (ServerSocket probe = new ServerSocket()) {
            probe.bind(new InetSocketAddress(options.host(), options.port()));
        } catch (IOException e) {
            throw new IOException("cannot listen on " + options.host() + " port " + options.port() + ": " + e.getMessage(), e);
        }
    }

    // What is refused before it gets to an endpoint, in the same form as everything else.
    private static DirectHandlers refusals() {
        DirectHandlers.Builder handlers = DirectHandlers.builder();
        for (DirectHandler.EventType type : DirectHandler.EventType.values()) {
            handlers.addHandler(type, (request, event, status, headers, message) -> refusal(status, headers, request, message));
        }
        return handlers.build();
    }

    private static DirectHandler.TransportResponse refusal(Status status, ServerResponseHeaders headers, DirectHandler.TransportRequest request,
            String message) {
        String said = switch (status.code()) {
            case 404 -> "there is no " + request.method() + " " + request.path();
            case 413 -> "the body of the request is too large";
            default -> message == null || message.isBlank() ? status.reasonPhrase() : message;
        };
        ApiError error = status.code() >= 500 ? ApiError.internal() : ApiError.request(status.code(), null, said);
        if (status.code() == 413) {
            headers.set(HeaderValues.CONNECTION_CLOSE); // what is left of the body is not read
        }
        return DirectHandler.TransportResponse.builder().status(status).headers(headers)
                .header(HeaderValues.create(HeaderNames.CONTENT_TYPE, "application/json")).entity(RequestObject.bytes(error.json())).build();
    }

    private void health(ServerRequest request, ServerResponse response) {
        boolean stopping = slots.isStopping();
        response.status(stopping ? 503 : 200);
        response.header(HeaderNames.CONTENT_TYPE, "application/json");
        response.send(RequestObject.bytes(RequestObject.newObject().put("status", stopping ? "stopping" : "ok")
                .put("model", options.modelNames().getFirst()).put("slots", options.slots()).put("slots_busy", slots.busy())
                .put("queue_length", slots.waiting())));
    }

    /**
     * Where the server listens.
     *
     * @return the port, also where the options leave it open
     */
    public int port() {
        return web.port();
    }

    /** Refuses new requests, lets running ones go on for the stop time of the options, then ends them, and frees the sessions. */
    @Override
    public void close() {
        slots.stop();
        try {
            if (!slots.awaitIdle(options.stopTime())) {
                answering.close();
                slots.awaitIdle(SLACK);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        answering.close();
        web.stop();
        slots.close();
        metrics.close();
    }
}
