package io.gemma4j.backend;

/**
 * Draws the tokens of one text on the device and feeds each to the next step there, so that a step may be queued before the host knows the
 * token of the one before. One that was made for masks only runs the steps, and draws when told which tokens are allowed. Used by one thread at a
 * time; {@link #run}, {@link #runNext} and {@link #draw} in turns with the steps of the backend that made it, {@link #take} and {@link #close} at any
 * time. Closed by whoever asked for it, at the latest with its backend.
 */
public interface DeviceSampler extends AutoCloseable {
    /** Instead of a token: a logit is not a number. */
    int NOT_A_NUMBER = -1;
    /** Instead of a token: all logits are negative infinity, those of tokens that are not allowed being so. */
    int NONE_POSSIBLE = -2;

    /**
     * Runs a step as {@link ModelBackend#runStep} does and, unless made for masks, draws the token after it. Returns when that is queued. Tokens drawn earlier have been
     * taken, and the sampler on the host has accepted what the step holds.
     *
     * @param step has one row that wants logits
     */
    void run(Step step, Runnable operations);

    /**
     * The same for a step of the token drawn last, which the host need not know. What the host's sampler says of the text does not matter.
     *
     * @param step of {@link Step#ofDrawn}
     * @return whether the device still had the token; if not, because others have used it since, nothing has happened
     */
    boolean runNext(Step step, Runnable operations);

    /**
     * Draws, if made for masks, the token after the step that it was the last to run; nobody has run another one on the backend since. Returns when
     * that is queued. Tokens drawn earlier have been taken.
     *
     * @param allowed a bit for each token: bit {@code t % 64} of word {@code t / 64}
     */
    void draw(long[] allowed);

    /**
     * The earliest token that was drawn and not taken yet; waits for it.
     *
     * @return its id, or {@link #NOT_A_NUMBER} or {@link #NONE_POSSIBLE}
     * @throws IllegalStateException if all are taken
     */
    int take();

    /** Waits for what is queued, which is then forgotten. May be called more than once. */
    @Override
    void close();
}
