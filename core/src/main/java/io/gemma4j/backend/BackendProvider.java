package io.gemma4j.backend;

/**
 * Finds out whether a backend can run here, and opens it. Registered as a service; needs a public no-argument constructor, which must not touch
 * the device.
 */
public interface BackendProvider {

    /** Short lower-case name, e.g. {@code cuda}. */
    String name();

    /** Order of preference when the choice is automatic: the highest that opens wins. The CPU has 0. */
    int priority();

    /**
     * Opens the backend.
     *
     * @throws UnavailableException if it cannot run here; the message is the reason
     */
    ModelBackend open(BackendOptions options) throws UnavailableException;

    /** A backend cannot run here. The message says why, in a form that can stand after the backend's name and a colon. */
    final class UnavailableException extends Exception {
        private static final long serialVersionUID = 1L;

        /** Creates the exception with the reason. */
        public UnavailableException(String reason) {
            super(reason);
        }

        /** Creates the exception with the reason and what it followed from. */
        public UnavailableException(String reason, Throwable cause) {
            super(reason, cause);
        }
    }
}
