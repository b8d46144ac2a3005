package io.gemma4j.examples.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gemma4j.FinishReason;
import io.gemma4j.Timings;
import io.gemma4j.TokenUsage;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;

/** The parts that answers of all kinds have in common. */
final class AnswerJson {
    private static final int ID_BYTES = 12;

    private AnswerJson() {}

    /** The start of an answer: its id, kind, time and model. */
    static ObjectNode of(String id, String object, long created, String model) {
        return RequestObject.newObject().put("id", id).put("object", object).put("created", created).put("model", model);
    }

    static String newId(String prefix) {
        byte[] random = new byte[ID_BYTES];
        ThreadLocalRandom.current().nextBytes(random);
        return prefix + HexFormat.of().formatHex(random);
    }

    static String finishReason(FinishReason reason, boolean calls) {
        return switch (reason) {
            case STOP, STOP_SEQUENCE -> calls ? "tool_calls" : "stop";
            case MAX_TOKENS, CONTEXT_FULL, CANCELLED -> "length"; // only the limit of time leaves a cancelled answer to be sent
            case MALFORMED_TOOL_CALL -> throw ApiError.malformedCall();
        };
    }

    /** Tokens, and, beyond OpenAI's API, the time they took. */
    static void putUsage(ObjectNode answer, TokenUsage usage, Timings timings) {
        ObjectNode node = answer.putObject("usage");
        node.put("prompt_tokens", usage.promptTokens()).put("completion_tokens", usage.generatedTokens())
                .put("total_tokens", usage.promptTokens() + usage.generatedTokens());
        node.putObject("prompt_tokens_details").put("cached_tokens", usage.cachedTokens());
        ObjectNode times = answer.putObject("timings").put("first_token_ms", milliseconds(timings.timeToFirstToken()))
                .put("prompt_ms", milliseconds(timings.prefill())).put("decode_ms", milliseconds(timings.decode()));
        if (usage.generatedTokens() > 1 && timings.decode().isPositive()) {
            times.put("decode_tokens_per_second", (usage.generatedTokens() - 1) * 1e9 / timings.decode().toNanos());
        }
    }

    private static double milliseconds(Duration duration) {
        return duration.toNanos() / 1e6;
    }
}
