package io.gemma4j.metal;

import io.gemma4j.Gemma4Exception;

/** Metal reported an error, or refused what it was asked for. Says what was asked, and the system's own text where it gives one. */
public final class MetalException extends Gemma4Exception {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message what was asked for, and what came of it
     */
    public MetalException(String message) {
        super(message);
    }
}
