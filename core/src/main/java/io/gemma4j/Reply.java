package io.gemma4j;

import java.util.List;

/**
 * What a model has answered. Immutable and thread-safe.
 *
 * @param text the answer, without thoughts and calls
 * @param thinking the thoughts, of all rounds if tools were called in between
 * @param toolCalls calls that wait for {@link Chat#toolResults}; empty if there are none or all were answered
 * @param finishReason why the last round ended; with calls it is {@link FinishReason#STOP}
 * @param usage tokens, of all rounds together
 * @param timings durations, of all rounds together
 * @param logprobs the log-probability of each token of the text, and of the most likely ones at its place, if the chat asks for them, else empty
 */
public record Reply(String text, String thinking, List<Message.ToolCall> toolCalls, FinishReason finishReason, TokenUsage usage, Timings timings,
        List<TokenScore> logprobs) {

    /** Copies the lists. */
    public Reply {
        logprobs = List.copyOf(logprobs);
        toolCalls = List.copyOf(toolCalls);
    }

    /** This reply as the last of several rounds. */
    Reply after(Reply earlier) {
        return new Reply(text, earlier.thinking + thinking, toolCalls, finishReason,
                new TokenUsage(earlier.usage.promptTokens() + usage.promptTokens(), earlier.usage.cachedTokens() + usage.cachedTokens(),
                        earlier.usage.generatedTokens() + usage.generatedTokens()),
                new Timings(timings.load(), earlier.timings.timeToFirstToken(), earlier.timings.prefill().plus(timings.prefill()),
                        earlier.timings.decode().plus(timings.decode())), logprobs);
    }
}
