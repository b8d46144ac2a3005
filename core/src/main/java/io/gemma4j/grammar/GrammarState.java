package io.gemma4j.grammar;

import java.util.Set;

/**
 * How far a text has come in a grammar: all the ways to read it so far. To be used under the lock of its grammar.
 *
 * <p>There is always a way to complete the text; a state without threads is either complete or, if it is not accepting, no way at all.
 */
final class GrammarState {
    /** One way: in the middle of a terminal, with what has to come after it. */
    record Thread(Expression expression, Continuation rest) {}

    final Set<Thread> threads;
    /** Whether the text may end here. */
    final boolean accepting;
    /** The states after each byte, as far as they are known. */
    final GrammarState[] next = new GrammarState[256];

    GrammarState(Set<Thread> threads, boolean accepting) {
        this.threads = threads;
        this.accepting = accepting;
    }

    /** Whether no text leads here. */
    boolean isDead() {
        return threads.isEmpty() && !accepting;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof GrammarState that && accepting == that.accepting && threads.equals(that.threads);
    }

    @Override
    public int hashCode() {
        return threads.hashCode();
    }
}
