package io.gemma4j.examples.hub;

import java.io.IOException;

/** The Hub has answered, but not with what was asked for; says what can be done. */
public final class HubException extends IOException {
    private static final long serialVersionUID = 1L;

    HubException(String message) {
        super(message);
    }
}
