package io.gemma4j.grammar;

import io.gemma4j.grammar.GrammarState.Thread;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Which tokens of a vocabulary may follow in each state of a grammar, as a bit mask: bit {@code t % 64} of word {@code t / 64} is token {@code t}. To be
 * used under the lock of its grammar.
 *
 * <p>Most of a mask depends only on the terminal that the text is in the middle of, and not on what surrounds it: that part is worked out once for
 * each of its states. It also knows the few places in the tree of tokens at which the terminal may end; from there on the surroundings decide.
 */
final class TokenMasks {
    /** Masks that are kept, each of them 32 KiB for the 262144 tokens of Gemma 4. */
    private static final int MAX_MASKS = 256;

    private final Grammar grammar;
    private final TokenTrie trie;
    private final Map<GrammarState, long[]> masks = recent();
    private final Map<Expression, TerminalMask> terminals = recent();

    /**
     * The tokens that keep to a terminal or go beyond its end.
     *
     * @param mask tokens that end within it or right at its end
     * @param ends nodes of the tree at which it may end and that have children
     */
    private record TerminalMask(long[] mask, int[] ends) {}

    TokenMasks(Grammar grammar, TokenTrie trie) {
        this.grammar = grammar;
        this.trie = trie;
    }

    private static <K, V> Map<K, V> recent() {
        return new LinkedHashMap<>(16, 0.75f, true) {
            private static final long serialVersionUID = 1L;

            @Override
            protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
                return size() > MAX_MASKS;
            }
        };
    }

    TokenTrie trie() {
        return trie;
    }

    /** The tokens that may follow, those that end an answer included where it may end; not to be changed. */
    long[] mask(GrammarState state) {
        long[] mask = masks.get(state);
        if (mask == null) {
            mask = new long[trie.vocabularySize() + 63 >>> 6];
            for (Thread thread : state.threads) {
                add(thread, mask);
            }
            if (state.accepting) {
                for (int token : trie.endTokens()) {
                    mask[token >>> 6] |= 1L << token;
                }
            }
            masks.put(state, mask);
        }
        return mask;
    }

    private void add(Thread thread, long[] mask) {
        Expression expression = grammar.saturated(thread.expression(), trie.longestBytes());
        TerminalMask terminal = terminals.get(expression);
        if (terminal == null) {
            terminal = new Walk().terminal(expression);
            terminals.put(expression, terminal);
        }
        for (int i = 0; i < mask.length; i++) {
            mask[i] |= terminal.mask()[i];
        }
        if (terminal.ends().length > 0) {
            GrammarState rest = grammar.start(thread.rest());
            for (int node : terminal.ends()) {
                addBelow(node, rest, mask);
            }
        }
    }

    private void addBelow(int node, GrammarState state, long[] mask) {
        for (int child = node + 1; child < trie.end(node); child = trie.end(child)) {
            GrammarState next = grammar.after(state, trie.label(child));
            if (!next.isDead()) {
                trie.markTokens(child, mask);
                addBelow(child, next, mask);
            }
        }
    }

    /** One walk through the tree with the automaton of a terminal. */
    private final class Walk {
        private final long[] mask = new long[trie.vocabularySize() + 63 >>> 6];
        private int[] ends = new int[16];
        private int count;

        TerminalMask terminal(Expression expression) {
            below(0, expression);
            return new TerminalMask(mask, Arrays.copyOf(ends, count));
        }

        private void below(int node, Expression state) {
            for (int child = node + 1; child < trie.end(node); child = trie.end(child)) {
                Expression next = grammar.after(state, trie.label(child));
                if (!grammar.isNever(next)) {
                    trie.markTokens(child, mask);
                    if (trie.hasChildren(child)) {
                        if (next.nullable) {
                            ends = count < ends.length ? ends : Arrays.copyOf(ends, 2 * count);
                            ends[count++] = child;
                        }
                        below(child, next);
                    }
                }
            }
        }
    }
}
