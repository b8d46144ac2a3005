package io.gemma4j;

/** Root of what this library throws for reasons of its own. Unchecked. */
public class Gemma4Exception extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message what went wrong, in the caller's terms
     */
    public Gemma4Exception(String message) {
        super(message);
    }

    /**
     * Creates the exception.
     *
     * @param message what went wrong, in the caller's terms
     * @param cause what it followed from
     */
    public Gemma4Exception(String message, Throwable cause) {
        super(message, cause);
    }
}
