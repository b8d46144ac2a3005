package io.gemma4j;

import java.util.List;
import java.util.stream.Collectors;

/** No backend that was asked for can run here. Lists every attempt with its reason. */
public final class BackendUnavailableException extends Gemma4Exception {
    private static final long serialVersionUID = 1L;
    private final transient List<Attempt> attempts;

    /**
     * One backend that was tried.
     *
     * @param backend its name, e.g. {@code cuda}
     * @param reason why it cannot be used
     */
    public record Attempt(String backend, String reason) {}

    /**
     * Creates the exception.
     *
     * @param requested what the caller asked for
     * @param attempts what was tried, in order
     */
    public BackendUnavailableException(String requested, List<Attempt> attempts) {
        super("backend " + requested + " is not available: "
                + attempts.stream().map(a -> a.backend() + ": " + a.reason()).collect(Collectors.joining("; ")));
        this.attempts = List.copyOf(attempts);
    }

    /**
     * What was tried, in order.
     *
     * @return the attempts with their reasons; empty after deserialization
     */
    public List<Attempt> attempts() {
        return attempts == null ? List.of() : attempts;
    }
}
