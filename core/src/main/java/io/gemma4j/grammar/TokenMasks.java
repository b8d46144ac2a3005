package io.gemma4j.grammar;

import io.gemma4j.grammar.GrammarState.Thread;
import java.util.Map;
import java.util.Optional;

/**
 * Which tokens of one vocabulary may follow in each state of a grammar, as a bit mask: bit {@code t % 64} of word {@code t / 64} is token {@code t}. To be
 * used under the lock of its grammar, which forgets it with the vocabulary: nothing here holds on to that.
 *
 * <p>Most of a mask depends only on the terminal that the text is in the middle of, and not on what surrounds it: that part is worked out once for
 * each of its states. It also knows the few places in the tree of tokens at which the terminal may end; from there on the surroundings decide.
 */
final class TokenMasks {
    /** Masks that are kept, each of them 32 KiB for the 262144 tokens of Gemma 4. */
    static final int MAX_MASKS = 256;
    /** What is larger hardly stands in two grammars. */
    private static final int MAX_SIGNATURE_CHARS = 1 << 16;

    private final Grammar grammar;
    private final Map<GrammarState, long[]> masks = new RecentlyUsed<>(MAX_MASKS);
    private final Map<Expression, TerminalMask> terminals = new RecentlyUsed<>(MAX_MASKS);

    TokenMasks(Grammar grammar) {
        this.grammar = grammar;
    }

    /** The tokens that may follow, those that end an answer included where it may end; not to be changed. */
    long[] mask(GrammarState state, TokenTrie trie) {
        long[] mask = masks.get(state);
        if (mask == null) {
            mask = trie.emptyMask();
            for (Thread thread : state.threads) {
                add(thread, trie, mask);
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

    private void add(Thread thread, TokenTrie trie, long[] mask) {
        Expression expression = grammar.saturated(thread.expression(), trie.longestBytes());
        TerminalMask terminal = terminals.get(expression);
        if (terminal == null) {
            // What repeats fits many tokens and stands in many grammars.
            Optional<String> signature = expression.loops ? expression.signature(MAX_SIGNATURE_CHARS) : Optional.empty();
            terminal = signature.isPresent() ? trie.terminalMask(signature.get(), () -> TerminalMask.of(grammar, trie, expression))
                    : TerminalMask.of(grammar, trie, expression);
            terminals.put(expression, terminal);
        }
        terminal.addTo(mask);
        if (terminal.ends().length > 0) {
            GrammarState rest = grammar.start(thread.rest());
            for (int node : terminal.ends()) {
                addBelow(node, rest, trie, mask);
            }
        }
    }

    private void addBelow(int node, GrammarState state, TokenTrie trie, long[] mask) {
        for (int child = node + 1; child < trie.end(node); child = trie.end(child)) {
            GrammarState next = grammar.after(state, trie.label(child));
            if (!next.isDead()) {
                trie.markTokens(child, mask);
                addBelow(child, next, trie, mask);
            }
        }
    }
}
