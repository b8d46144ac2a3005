package io.gemma4j;

import io.gemma4j.chat.ChannelRouter;
import io.gemma4j.tokenizer.Tokenizer;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Draws the tokens of a chat's answer whose text keeps to a constraint: thoughts first if there may be any, then calls of tools or the text. Belongs to
 * one answer and is not thread-safe.
 */
final class ConstrainedAnswer {
    /** Tokens of markup that it takes to begin a thought and to end it again. */
    private static final int THOUGHT_MARKUP_TOKENS = 4;

    private final ConstrainedText text;
    private final ChannelRouter router;
    private final Tokenizer tokenizer;
    private final int[] thought;
    private final int[] call;
    private final long[] withinThought;
    private final long[] withinCall;

    ConstrainedAnswer(Gemma4 model, ChatOptions options, int prompt, ChannelRouter router) {
        this.text = ConstrainedText.of(model, options.constraint(), options.maxTokens(), prompt);
        this.router = router;
        this.tokenizer = model.tokenizer();
        this.thought = options.thinking().enabled() ? control("<|channel>") : new int[0];
        this.call = options.tools().isEmpty() ? new int[0] : control("<|tool_call>");
        this.withinThought = text(control("<channel|>"));
        this.withinCall = text(control("<tool_call|>", "<|\"|>"));
    }

    private int[] control(String... tokens) {
        return Stream.of(tokens).map(tokenizer::controlToken).flatMapToInt(OptionalInt::stream).toArray();
    }

    // Any text, and these tokens.
    private long[] text(int[] others) {
        long[] mask = new long[tokenizer.vocabularySize() + 63 >>> 6];
        IntStream.concat(IntStream.range(0, tokenizer.vocabularySize()).filter(tokenizer::isText), IntStream.of(others))
                .forEach(token -> mask[token >>> 6] |= 1L << token);
        return mask;
    }

    /**
     * Draws the next token.
     *
     * @param remaining tokens that may still come, this one included
     * @param called whether a call has been written
     * @param thoughtOver whether thoughts have been written
     */
    int draw(TokenChoice.Draw draw, int remaining, boolean called, boolean thoughtOver) {
        if (router.isCalling()) {
            return draw.among(withinCall);
        }
        if (!router.isAnswering()) {
            return draw.among(withinThought);
        }
        if (called) {
            return draw.among(afterCall());
        }
        if (text.hasBegun()) {
            return text.draw(draw, remaining);
        }
        boolean mayThink = !thoughtOver && remaining > text.shortestTokens() + THOUGHT_MARKUP_TOKENS;
        return text.draw(draw, remaining, IntStream.concat(IntStream.of(mayThink ? thought : new int[0]), IntStream.of(call)).toArray());
    }

    private long[] afterCall() {
        long[] mask = new long[withinCall.length];
        IntStream.concat(IntStream.of(call), IntStream.of(tokenizer.endOfGenerationTokens())).forEach(token -> mask[token >>> 6] |= 1L << token);
        return mask;
    }

    /** Whether a thought has to end now, so that the text still finds room. */
    boolean needsRoom(int remaining) {
        return !router.isAnswering() && !router.isCalling() && remaining <= text.shortestTokens() + THOUGHT_MARKUP_TOKENS - 1;
    }

    /** Whether the text has to end here. */
    boolean isComplete() {
        return text.hasBegun() && text.isComplete();
    }
}
