package io.gemma4j;

/**
 * How much a model may think before it answers. Immutable and thread-safe.
 *
 * @param budgetTokens tokens of thought after which the answer has to begin; 0 for no thought
 */
public record Thinking(int budgetTokens) {
    /** The answer comes at once. */
    public static final Thinking OFF = new Thinking(0);
    /** The model thinks as long as it likes. */
    public static final Thinking ON = new Thinking(Integer.MAX_VALUE);

    /**
     * Checks the budget.
     *
     * @throws IllegalArgumentException if it is negative
     */
    public Thinking {
        if (budgetTokens < 0) {
            throw new IllegalArgumentException("budgetTokens must be at least 0, was " + budgetTokens);
        }
    }

    /**
     * The model thinks, but not for long.
     *
     * @param tokens of thought after which the answer has to begin
     * @return the limit
     * @throws IllegalArgumentException if it is negative
     */
    public static Thinking budget(int tokens) {
        return new Thinking(tokens);
    }

    /**
     * Whether it thinks at all.
     *
     * @return false for {@link #OFF}
     */
    public boolean enabled() {
        return budgetTokens > 0;
    }
}
