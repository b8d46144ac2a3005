package io.gemma4j.examples.server;

import io.gemma4j.ContextOverflowException;
import io.gemma4j.OutOfDeviceMemoryException;
import io.helidon.http.HeaderValues;
import io.helidon.http.RequestException;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.Handler;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Something that is asked for with a JSON object. Turns what goes wrong into what OpenAI's API says then. Thread-safe. */
abstract class JsonEndpoint implements Handler {
    private static final Logger LOG = LoggerFactory.getLogger(JsonEndpoint.class);
    private static final String RESPONSE_FORMAT = "response_format";
    private static final String TOOL_CHOICE = "tool_choice";
    private static final int CLIENT_CLOSED_REQUEST = 499;

    private final String name;
    private final List<String> modelNames;
    private final Duration timeLimit;
    final ServerMetrics metrics;

    /**
     * @param name for the metrics
     * @param options what the model may be called, and how long a request may take
     */
    JsonEndpoint(String name, ServerOptions options, ServerMetrics metrics) {
        this.name = name;
        this.modelNames = options.modelNames();
        this.timeLimit = options.timeLimit();
        this.metrics = metrics;
    }

    /** Answers; may throw {@link ApiError}. */
    abstract void answer(Exchange exchange);

    /** What the model is called in answers. */
    String modelName() {
        return modelNames.getFirst();
    }

    @Override
    public final void handle(ServerRequest request, ServerResponse response) throws IOException {
        long start = System.nanoTime();
        EventStream events = new EventStream(response);
        int status = 200;
        try (InputStream body = request.content().inputStream()) {
            RequestObject json;
            try {
                json = RequestObject.parse(body(body, response));
            } catch (ApiError e) {
                status = e.status();
                Exchange.send(response, e);
                return;
            }
            Exchange exchange = new Exchange(json, response, events, ClientConnection.watch());
            try {
                requireModel(json);
                answer(exchange);
            } catch (ClientGoneException e) {
                throw e;
            } catch (RuntimeException e) {
                ApiError error = error(e, json);
                status = error.status();
                exchange.fail(error);
            }
        } catch (RequestException e) {
            status = e.status().code();
            throw e;
        } catch (IllegalArgumentException e) { // what is left of a body in wrong chunks cannot be skipped either
            throw new CloseConnectionException("the body of the request is in wrong chunks", e);
        } catch (ClientGoneException e) {
            status = CLIENT_CLOSED_REQUEST;
            throw new CloseConnectionException(e.getMessage(), e);
        } finally {
            metrics.request(name, status, System.nanoTime() - start);
        }
    }

    // What is chunked may be cut wrongly, which the web server says by exceptions of its own; what follows then is no request.
    private byte[] body(InputStream body, ServerResponse response) throws IOException {
        try {
            return ClientConnection.readBody(body, timeLimit);
        } catch (IllegalArgumentException e) {
            response.header(HeaderValues.CONNECTION_CLOSE);
            throw ApiError.request(400, "invalid_body", "the body cannot be read: it is not chunked as HTTP has it");
        }
    }

    private void requireModel(RequestObject request) {
        String asked = request.string("model").orElse(modelName());
        if (!modelNames.contains(asked)) {
            throw new ApiError(404, "invalid_request_error", "model", "model_not_found",
                    "there is no model \"" + asked + "\" here; there is " + modelNames);
        }
    }

    private ApiError error(RuntimeException failure, RequestObject request) {
        return switch (failure) {
            case ApiError e -> e;
            case ContextOverflowException e -> ApiError.contextLength(promptField(), promptField() + " is too long: " + e.promptTokens()
                    + " tokens do not fit the context length of " + e.contextTokens() + " tokens");
            // Of what a request can hold, only the form of the answer depends on the model: how many tokens its shortest text takes.
            case IllegalArgumentException e when request.has(TOOL_CHOICE) -> ApiError.invalid(TOOL_CHOICE, TOOL_CHOICE + ": " + e.getMessage());
            case IllegalArgumentException e when request.has(RESPONSE_FORMAT) ->
                ApiError.invalid(RESPONSE_FORMAT, RESPONSE_FORMAT + ": " + e.getMessage());
            case OutOfDeviceMemoryException e -> {
                LOG.warn("A request was refused: {}", e.getMessage());
                yield new ApiError(503, "server_error", null, "out_of_memory", "there is no memory for the request at the moment");
            }
            default -> {
                LOG.error("A request to {} failed", name, failure);
                yield ApiError.internal();
            }
        };
    }

    /** The field that holds what the model has to read. */
    abstract String promptField();
}
