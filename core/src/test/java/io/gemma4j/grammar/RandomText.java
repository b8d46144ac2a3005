package io.gemma4j.grammar;

import io.gemma4j.SamplingOptions;
import io.gemma4j.sampling.Sampler;
import io.gemma4j.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Writes texts that keep to a grammar, as a model would whose logits are random. */
final class RandomText {
    private final Tokenizer tokenizer;
    private final TokenTrie trie;

    RandomText(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
        this.trie = new TokenTrie(tokenizer);
    }

    /** A text of at most {@code maxTokens} tokens; where a token leads too far from the end, the shortest completion follows. */
    String write(Grammar grammar, Random random, int maxTokens) {
        GrammarMatcher matcher = new GrammarMatcher(grammar, trie);
        Sampler sampler = new Sampler(SamplingOptions.greedy(), trie.vocabularySize());
        float[] logits = new float[trie.vocabularySize()];
        List<Integer> tokens = new ArrayList<>();
        while (!matcher.isComplete()) {
            for (int i = 0; i < logits.length; i++) {
                logits[i] = random.nextFloat();
            }
            int left = maxTokens - tokens.size();
            int token = left == 0 ? -1 : sampler.sample(logits, matcher.allowed());
            if (token >= 0 && tokenizer.isEndOfGeneration(token)) {
                break;
            }
            if (token < 0 || !matcher.fits(token, left - 1)) {
                for (int last : matcher.completion()) {
                    matcher.accept(last);
                    tokens.add(last);
                }
                break;
            }
            matcher.accept(token);
            tokens.add(token);
        }
        if (!matcher.isAccepting()) {
            throw new AssertionError("the text is not complete: " + tokenizer.decode(tokens.stream().mapToInt(Integer::intValue).toArray()));
        }
        if (tokens.size() > maxTokens) {
            throw new AssertionError(tokens.size() + " tokens, at most " + maxTokens + " were allowed");
        }
        return tokenizer.decode(tokens.stream().mapToInt(Integer::intValue).toArray());
    }

    /** Tokens of the shortest text. */
    int shortestTokens(Grammar grammar) {
        return new GrammarMatcher(grammar, trie).completion().length;
    }
}
