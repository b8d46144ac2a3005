package io.gemma4j.examples.server;

import io.helidon.common.socket.HelidonSocket;
import io.helidon.http.Headers;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.http1.Http1ConnectionListener;

/**
 * The client's end of a request's connection. That it has gone is seen also while nothing is written to it, since the socket is read in the
 * background; a client that sends nothing any more counts as gone.
 */
final class ClientConnection {
    // Set by the connection's own thread, which then handles the request.
    private static final ThreadLocal<HelidonSocket> SOCKET = new ThreadLocal<>();

    private final HelidonSocket socket;

    private ClientConnection(HelidonSocket socket) {
        this.socket = socket;
    }

    /** Has to be told of every request's headers for {@link #watch} to work. */
    static Http1ConnectionListener listener() {
        return new Http1ConnectionListener() {
            @Override
            public void headers(ConnectionContext context, Headers headers) {
                SOCKET.set(context.serverSocket());
            }
        };
    }

    /** Watches the connection of this thread's request, the body of which has been read. */
    static ClientConnection watch() {
        HelidonSocket socket = SOCKET.get();
        socket.idle();
        return new ClientConnection(socket);
    }

    boolean isOpen() {
        return socket.isConnected();
    }

    /** Ends whatever is being written to a client that does not read. */
    void close() {
        socket.close();
    }
}
