package io.gemma4j;

import java.time.Duration;
import java.util.List;

/**
 * What a generation gave.
 *
 * @param text the answer, without control tokens and without the stop string that ended it
 * @param tokens every token that was drawn, the one that ended it included
 * @param logprobs the log-probability of each token and of the most likely ones at its place, if the request asked for them, else empty
 * @param finishReason why it ended
 * @param usage tokens
 * @param timings durations
 */
public record Generation(String text, List<Integer> tokens, List<TokenScore> logprobs, FinishReason finishReason, TokenUsage usage,
        Timings timings) {

    /** Copies the lists. */
    public Generation {
        tokens = List.copyOf(tokens);
        logprobs = List.copyOf(logprobs);
    }

    /**
     * Speed of the prompt.
     *
     * @return tokens per second, cached ones not counted; 0 where there was none to process
     */
    public double prefillTokensPerSecond() {
        return perSecond(usage.promptTokens() - usage.cachedTokens(), timings.prefill());
    }

    /**
     * Speed of the answer.
     *
     * @return tokens after the first, per second; 0 where there was at most one
     */
    public double decodeTokensPerSecond() {
        return perSecond(Math.max(0, usage.generatedTokens() - 1), timings.decode());
    }

    private static double perSecond(int tokens, Duration duration) {
        return duration.isZero() ? 0 : tokens * 1e9 / duration.toNanos();
    }
}
