package io.gemma4j;

import io.gemma4j.grammar.GrammarMatcher;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.stream.IntStream;

/** Draws the tokens of a text that keeps to a constraint and is complete when its tokens run out. Belongs to one text and is not thread-safe. */
final class ConstrainedText {
    /** Tokens that are tried where they may lead too far from the end. */
    private static final int MAX_ATTEMPTS = 64;

    private final GrammarMatcher matcher;
    private final int[] endTokens;
    private final Deque<Integer> completion = new ArrayDeque<>();
    private boolean begun;

    private ConstrainedText(GrammarMatcher matcher, int[] endTokens) {
        this.matcher = matcher;
        this.endTokens = endTokens;
    }

    /**
     * Prepares for a text.
     *
     * @param maxTokens tokens that the request allows
     * @param prompt tokens that come before it
     * @throws IllegalArgumentException if {@code maxTokens} does not suffice for the shortest text, or the vocabulary has no tokens for it
     * @throws ContextOverflowException if the context has no room for it
     */
    static ConstrainedText of(Gemma4 model, Constraint constraint, int maxTokens, int prompt) {
        GrammarMatcher matcher = new GrammarMatcher(constraint.grammar(), model.tokenTrie());
        int[] shortest = matcher.completion();
        if (shortest == null) {
            throw new IllegalArgumentException("the model's vocabulary cannot express the shortest text that the constraint allows");
        }
        if (shortest.length > maxTokens) {
            throw new IllegalArgumentException("maxTokens must be at least " + shortest.length
                    + ", which the shortest text takes that the constraint allows, was " + maxTokens);
        }
        if (shortest.length > roomTokens(model, prompt)) {
            throw new ContextOverflowException(prompt + shortest.length, 0, model.contextTokens());
        }
        return new ConstrainedText(matcher, model.tokenizer().endOfGenerationTokens());
    }

    /** Tokens that can be drawn after a prompt; the last one needs no place in the context. */
    static int roomTokens(Gemma4 model, int prompt) {
        return model.contextTokens() - prompt + 1;
    }

    /** Tokens it takes to complete the text. */
    int shortestTokens() {
        return matcher.completion().length;
    }

    /** Whether a token of it has been drawn. */
    boolean hasBegun() {
        return begun;
    }

    /** Whether the text has to end here. */
    boolean isComplete() {
        return matcher.isComplete();
    }

    /**
     * Draws a token of the text, one that ends the answer, or one of the markup. The text stays completable: a token that leads too far from its end
     * is drawn again, and in the end the shortest way is taken.
     *
     * @param remaining tokens that may still come, this one included
     * @param markup tokens that are allowed beside the text's own and are no part of it
     */
    int draw(TokenChoice.Draw draw, int remaining, int... markup) {
        if (completion.isEmpty()) {
            long[] allowed = matcher.allowed();
            if (markup.length > 0) {
                allowed = allowed.clone();
                for (int token : markup) {
                    allowed[token >>> 6] |= 1L << token;
                }
            }
            int token = draw.among(allowed);
            for (int i = 0; i < MAX_ATTEMPTS && token >= 0; i++) {
                if (isOneOf(markup, token) || isOneOf(endTokens, token)) {
                    return token;
                }
                if (matcher.fits(token, remaining - 1)) {
                    return accepted(token);
                }
                allowed = i == 0 ? allowed.clone() : allowed;
                allowed[token >>> 6] &= ~(1L << token);
                token = draw.among(allowed);
            }
            IntStream.of(matcher.completion()).forEach(completion::add);
        }
        return completion.isEmpty() ? endTokens[0] : accepted(completion.removeFirst());
    }

    private int accepted(int token) {
        matcher.accept(token);
        begun = true;
        return token;
    }

    private static boolean isOneOf(int[] tokens, int token) {
        return IntStream.of(tokens).anyMatch(one -> one == token);
    }
}
