package io.gemma4j.examples.server;

import com.fasterxml.jackson.databind.JsonNode;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.ServerConnectionException;
import io.helidon.webserver.http.ServerResponse;
import java.io.UncheckedIOException;

/**
 * A request that has been read, and where its answer goes.
 *
 * @param request its body
 * @param response not sent yet
 * @param events the same response, for an answer that is sent as it comes
 * @param client who is waiting
 */
record Exchange(RequestObject request, ServerResponse response, EventStream events, ClientConnection client) {

    void send(JsonNode json) {
        send(response, 200, json);
    }

    /** Says that something went wrong, also in the middle of a stream. */
    void fail(ApiError error) {
        if (events.hasBegun()) {
            events.send(error.json());
            events.end();
        } else {
            send(response, error);
        }
    }

    static void send(ServerResponse response, ApiError error) {
        if (error.retryAfterSeconds() > 0) {
            response.header(HeaderNames.RETRY_AFTER, String.valueOf(error.retryAfterSeconds()));
        }
        if (error.status() == 504) {
            response.header("x-should-retry", "false"); // it would take as long again
        }
        send(response, error.status(), error.json());
    }

    private static void send(ServerResponse response, int status, JsonNode json) {
        response.status(status);
        response.header(HeaderNames.CONTENT_TYPE, "application/json");
        try {
            response.send(RequestObject.bytes(json));
        } catch (ServerConnectionException | UncheckedIOException e) {
            throw new ClientGoneException();
        }
    }
}
