package io.gemma4j.examples.evaluation;

import io.gemma4j.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Turns prompts that are written out, control tokens included, into tokens. Only for prompts of one's own: what a user says must never become a
 * control token. Immutable and thread-safe.
 */
public final class RenderedPrompt {
    private final Tokenizer tokenizer;
    private final Pattern controlToken;

    /** Prepares for a vocabulary. */
    public RenderedPrompt(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
        // Longer ones first, since one may begin with another.
        this.controlToken = Pattern.compile(IntStream.range(0, tokenizer.vocabularySize()).filter(tokenizer::isControl)
                .mapToObj(tokenizer::tokenText).sorted(Comparator.comparingInt(String::length).reversed()).map(Pattern::quote)
                .collect(Collectors.joining("|")));
    }

    /** The tokens of a prompt, as it is: nothing is put before it. */
    public int[] tokens(String prompt) {
        IntStream tokens = IntStream.empty();
        Matcher matcher = controlToken.matcher(prompt);
        int end = 0;
        while (matcher.find()) {
            tokens = IntStream.concat(tokens, text(prompt.substring(end, matcher.start())));
            tokens = IntStream.concat(tokens, IntStream.of(tokenizer.controlToken(matcher.group()).orElseThrow()));
            end = matcher.end();
        }
        return IntStream.concat(tokens, text(prompt.substring(end))).toArray();
    }

    private IntStream text(String text) {
        return Arrays.stream(tokenizer.encode(text, false));
    }
}
