package io.gemma4j;

/** A prompt does not fit the context. Thrown before any work is done; the session stays usable. */
public final class ContextOverflowException extends Gemma4Exception {
    private static final long serialVersionUID = 1L;
    private final int promptTokens;
    private final int usedTokens;
    private final int contextTokens;

    /**
     * Creates the exception.
     *
     * @param promptTokens tokens that were to be added
     * @param usedTokens tokens the session holds already
     * @param contextTokens tokens the session can hold
     */
    public ContextOverflowException(int promptTokens, int usedTokens, int contextTokens) {
        super("the prompt has " + promptTokens + " tokens and the session holds " + usedTokens + " already, but the context length is "
                + contextTokens + " tokens; shorten the prompt or load the model with a larger contextTokens");
        this.promptTokens = promptTokens;
        this.usedTokens = usedTokens;
        this.contextTokens = contextTokens;
    }

    /**
     * Tokens that were to be added.
     *
     * @return tokens
     */
    public int promptTokens() {
        return promptTokens;
    }

    /**
     * Tokens the session held already.
     *
     * @return tokens
     */
    public int usedTokens() {
        return usedTokens;
    }

    /**
     * Tokens the session can hold in all.
     *
     * @return tokens
     */
    public int contextTokens() {
        return contextTokens;
    }
}
