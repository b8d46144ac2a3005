package io.gemma4j.examples.server;

/** Nobody wants the answer any more. */
final class ClientGoneException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ClientGoneException() {
        super("the client has closed the connection", null, false, false);
    }
}
