package io.gemma4j.examples.server;

import com.fasterxml.jackson.databind.JsonNode;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/**
 * A response of server-sent events. It begins with the first of them, so that what goes wrong before can have a status of its own. Thread-safe:
 * events come from the thread that computes, comments from the one that waits.
 */
final class EventStream {
    private final ServerResponse response;
    private OutputStream out;

    EventStream(ServerResponse response) {
        this.response = response;
    }

    void send(JsonNode event) {
        write("data: " + event + "\n\n");
    }

    /** Tells the client and what is in between that the connection is in use. */
    void keepAlive() {
        write(": still at work\n\n");
    }

    /** Says that no event follows. */
    synchronized void end() {
        write("data: [DONE]\n\n");
        try {
            out.close();
        } catch (IOException | RuntimeException e) {
            throw new ClientGoneException();
        }
    }

    synchronized boolean hasBegun() {
        return out != null;
    }

    private synchronized void write(String text) {
        try {
            if (out == null) {
                response.header(HeaderNames.CONTENT_TYPE, "text/event-stream; charset=utf-8");
                response.header(HeaderNames.CACHE_CONTROL, "no-cache");
                out = response.outputStream();
            }
            out.write(text.getBytes(StandardCharsets.UTF_8));
            out.flush();
        } catch (IOException | RuntimeException e) {
            throw new ClientGoneException();
        }
    }
}
