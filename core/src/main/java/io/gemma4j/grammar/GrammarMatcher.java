package io.gemma4j.grammar;

/**
 * A text in the making that keeps to a grammar. Knows which tokens may come next and how many it takes to the end. Belongs to one text and is not
 * thread-safe; any number of matchers may share a grammar.
 */
public final class GrammarMatcher {
    private final Grammar grammar;
    private final TokenMasks masks;
    private final TokenTrie trie;
    private GrammarState state;

    /** At the start of a text. */
    public GrammarMatcher(Grammar grammar, TokenTrie trie) {
        this.grammar = grammar;
        this.trie = trie;
        this.masks = grammar.masks(trie);
        synchronized (grammar) {
            grammar.beginWork();
            state = grammar.start();
        }
    }

    /**
     * The tokens that may come next, those that end an answer included where the text may end.
     *
     * @return a bit for each token: bit {@code t % 64} of word {@code t / 64}; not to be changed
     * @throws IllegalArgumentException if the grammar is too complex for them to be worked out within seconds
     */
    public long[] allowed() {
        synchronized (grammar) {
            grammar.beginWork();
            return masks.mask(state, trie);
        }
    }

    /** Whether the text may end here. */
    public boolean isAccepting() {
        return state.accepting;
    }

    /** Whether the text has to end here. */
    public boolean isComplete() {
        return state.accepting && state.threads.isEmpty();
    }

    /**
     * Takes a token that is text and is allowed.
     *
     * @throws IllegalArgumentException if it is not
     */
    public void accept(int token) {
        synchronized (grammar) {
            grammar.beginWork();
            GrammarState next = after(token);
            if (trie.text(token).length == 0 || next.isDead()) {
                throw new IllegalArgumentException("token " + token + " is not allowed here");
            }
            state = next;
        }
    }

    private GrammarState after(int token) {
        GrammarState next = state;
        for (byte value : trie.text(token)) {
            next = grammar.after(next, value);
        }
        return next;
    }

    /** Whether the text can be completed with at most {@code tokens} tokens once it has taken {@code token}, which is allowed. */
    public boolean fits(int token, int tokens) {
        synchronized (grammar) {
            grammar.beginWork();
            return fits(after(token), tokens);
        }
    }

    private boolean fits(GrammarState after, int tokens) {
        int[] completion = trie.expressesAllBytes() && grammar.shortestBytes(after) <= tokens ? new int[0] : trie.segment(grammar.shortest(after));
        return completion != null && completion.length <= tokens;
    }

    /**
     * A short way to the end.
     *
     * @return the tokens that complete the text; null if the vocabulary has none that do
     */
    public int[] completion() {
        synchronized (grammar) {
            grammar.beginWork();
            return trie.segment(grammar.shortest(state));
        }
    }
}
