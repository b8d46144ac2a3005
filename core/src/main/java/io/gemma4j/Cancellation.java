package io.gemma4j;

/** A switch that ends a generation from another thread. Thread-safe; once thrown it stays so, and may serve any number of generations. */
public final class Cancellation {
    private volatile boolean cancelled;

    /** Creates a switch that is not thrown. */
    public Cancellation() {}

    /** Ends every generation that was given this switch, within the time of one layer. */
    public void cancel() {
        cancelled = true;
    }

    /**
     * Whether it is thrown.
     *
     * @return true after {@link #cancel()}
     */
    public boolean isCancelled() {
        return cancelled;
    }
}
