package io.gemma4j.examples.server;

import io.helidon.common.buffers.BufferData;
import io.helidon.common.buffers.DataReader;
import io.helidon.common.buffers.DataWriter;
import io.helidon.common.socket.HelidonSocket;
import io.helidon.common.socket.PeerInfo;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.ListenerContext;
import io.helidon.webserver.ProxyProtocolData;
import io.helidon.webserver.Router;
import io.helidon.webserver.ServerConnectionException;
import io.helidon.webserver.http1.Http1ConnectionSelector;
import io.helidon.webserver.spi.ServerConnection;
import io.helidon.webserver.spi.ServerConnectionSelector;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;

/**
 * A connection that can be watched: while a request is answered, its client is expected to be silent, so the socket is read ahead in the background,
 * and a client that goes away is noticed although nothing is written to it. A client that will send nothing more counts as gone.
 */
final class ClientConnection implements ConnectionContext {
    // Set by the connection's own thread, which handles all its requests.
    private static final ThreadLocal<ClientConnection> CURRENT = new ThreadLocal<>();

    private final ConnectionContext context;
    private final DataReader reader = DataReader.create(this::read);
    private Future<byte[]> ahead;

    private ClientConnection(ConnectionContext context) {
        this.context = context;
    }

    /** What makes HTTP/1.1 connections that can be watched. */
    static ServerConnectionSelector selector(Http1ConnectionSelector http) {
        return new ServerConnectionSelector() {
            @Override
            public int bytesToIdentifyConnection() {
                return http.bytesToIdentifyConnection();
            }

            @Override
            public Support supports(BufferData data) {
                return http.supports(data);
            }

            @Override
            public Set<String> supportedApplicationProtocols() {
                return http.supportedApplicationProtocols();
            }

            @Override
            public ServerConnection connection(ConnectionContext context) {
                ClientConnection connection = new ClientConnection(context);
                CURRENT.set(connection);
                return http.connection(connection);
            }
        };
    }

    /** Watches the connection of this thread's request, the body of which has been read. */
    static ClientConnection watch() {
        ClientConnection connection = CURRENT.get();
        if (connection.ahead == null && connection.reader.available() == 0) {
            FutureTask<byte[]> task = new FutureTask<>(() -> connection.context.serverSocket().get());
            connection.ahead = task;
            Thread.ofVirtual().name("gemma4-client-watch").start(task);
        }
        return connection;
    }

    /** Reads the body of this thread's request; a client that takes longer than it may is cut off. */
    static byte[] readBody(InputStream body, Duration limit) throws IOException {
        ClientConnection connection = CURRENT.get();
        Thread guard = Thread.ofVirtual().name("gemma4-body-limit").start(() -> {
            try {
                Thread.sleep(limit);
                connection.close();
            } catch (InterruptedException e) {
                // The body has come.
            }
        });
        try {
            return body.readAllBytes();
        } finally {
            guard.interrupt();
        }
    }

    boolean isOpen() {
        if (ahead == null || !ahead.isDone()) {
            return true;
        }
        return ahead.state() == Future.State.SUCCESS && ahead.resultNow() != null;
    }

    /** Ends whatever is being written to a client that does not read. */
    void close() {
        context.serverSocket().close();
    }

    // Null at the end.
    private byte[] read() {
        int peeked = context.dataReader().available(); // to find out which protocol it is
        if (peeked > 0) {
            return context.dataReader().readBuffer(peeked).readBytes();
        }
        if (ahead != null) {
            try {
                return ahead.get();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CloseConnectionException("the server is closing the connection", e);
            } catch (ExecutionException e) {
                throw new ServerConnectionException("the connection is broken", e);
            } finally {
                ahead = null;
            }
        }
        try {
            return context.serverSocket().get();
        } catch (UncheckedIOException e) {
            throw new ServerConnectionException("the connection is broken", e);
        }
    }

    @Override
    public DataReader dataReader() {
        return reader;
    }

    @Override
    public ListenerContext listenerContext() {
        return context.listenerContext();
    }

    @Override
    public ExecutorService executor() {
        return context.executor();
    }

    @Override
    public DataWriter dataWriter() {
        return context.dataWriter();
    }

    @Override
    public Router router() {
        return context.router();
    }

    @Override
    public Optional<ProxyProtocolData> proxyProtocolData() {
        return context.proxyProtocolData();
    }

    @Override
    public HelidonSocket serverSocket() {
        return context.serverSocket();
    }

    @Override
    public PeerInfo remotePeer() {
        return context.remotePeer();
    }

    @Override
    public PeerInfo localPeer() {
        return context.localPeer();
    }

    @Override
    public boolean isSecure() {
        return context.isSecure();
    }

    @Override
    public String socketId() {
        return context.socketId();
    }

    @Override
    public String childSocketId() {
        return context.childSocketId();
    }
}
