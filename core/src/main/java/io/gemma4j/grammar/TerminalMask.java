package io.gemma4j.grammar;

import java.util.Arrays;

/**
 * The tokens that keep to a terminal or go beyond its end.
 *
 * @param mask tokens that end within it or right at its end; null where they are few
 * @param tokens the same tokens where they are few, else none
 * @param ends nodes of the tree at which it may end and that have children
 */
record TerminalMask(long[] mask, int[] tokens, int[] ends) {
    private static final int FEW = 2048;

    static TerminalMask of(Grammar grammar, TokenTrie trie, Expression expression) {
        Walk walk = new Walk(grammar, trie);
        walk.below(0, expression);
        int[] tokens = walk.tokens.toArray();
        if (tokens.length <= FEW) {
            return new TerminalMask(null, tokens, walk.ends.toArray());
        }
        long[] mask = trie.emptyMask();
        mark(tokens, mask);
        return new TerminalMask(mask, new int[0], walk.ends.toArray());
    }

    private static void mark(int[] tokens, long[] mask) {
        for (int token : tokens) {
            mask[token >>> 6] |= 1L << token;
        }
    }

    /** Adds its tokens to a mask. */
    void addTo(long[] sum) {
        mark(tokens, sum);
        if (mask != null) {
            for (int i = 0; i < sum.length; i++) {
                sum[i] |= mask[i];
            }
        }
    }

    /** Numbers in the order they come. */
    private static final class Numbers {
        private int[] values = new int[16];
        private int count;

        void add(int value) {
            values = count < values.length ? values : Arrays.copyOf(values, 2 * count);
            values[count++] = value;
        }

        int[] toArray() {
            return Arrays.copyOf(values, count);
        }
    }

    /** A walk through the tree with the automaton of a terminal. */
    private static final class Walk {
        private final Grammar grammar;
        private final TokenTrie trie;
        private final Numbers tokens = new Numbers();
        private final Numbers ends = new Numbers();

        Walk(Grammar grammar, TokenTrie trie) {
            this.grammar = grammar;
            this.trie = trie;
        }

        void below(int node, Expression state) {
            for (int child = node + 1; child < trie.end(node); child = trie.end(child)) {
                Expression next = grammar.after(state, trie.label(child));
                if (!grammar.isNever(next)) {
                    for (int i = trie.firstToken(child); i < trie.firstToken(child + 1); i++) {
                        tokens.add(trie.sortedToken(i));
                    }
                    if (trie.hasChildren(child)) {
                        if (next.nullable) {
                            ends.add(child);
                        }
                        below(child, next);
                    }
                }
            }
        }
    }
}
