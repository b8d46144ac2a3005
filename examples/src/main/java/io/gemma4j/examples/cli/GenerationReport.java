package io.gemma4j.examples.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gemma4j.Generation;
import io.gemma4j.TokenLogprob;
import io.gemma4j.TokenScore;
import io.gemma4j.tokenizer.Tokenizer;
import java.time.Duration;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * What is told about a generation, for programs and for people.
 *
 * @param generation the generation
 * @param tokenizer its model's
 */
record GenerationReport(Generation generation, Tokenizer tokenizer) {

    /** One JSON object in one line. Durations are in seconds. */
    String json() {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.put("text", generation.text());
        ArrayNode tokens = root.putArray("tokens");
        generation.tokens().forEach(tokens::add);
        if (!generation.logprobs().isEmpty()) {
            ArrayNode places = root.putArray("logprobs");
            generation.logprobs().forEach(place -> place.top().forEach(appendTo(places.addArray())));
        }
        root.put("finishReason", generation.finishReason().name());
        root.putObject("usage").put("promptTokens", generation.usage().promptTokens()).put("cachedTokens", generation.usage().cachedTokens())
                .put("generatedTokens", generation.usage().generatedTokens());
        root.putObject("timings").put("loadSeconds", seconds(generation.timings().load()))
                .put("timeToFirstTokenSeconds", seconds(generation.timings().timeToFirstToken()))
                .put("prefillSeconds", seconds(generation.timings().prefill())).put("decodeSeconds", seconds(generation.timings().decode()));
        root.putObject("tokensPerSecond").put("prefill", generation.prefillTokensPerSecond()).put("decode", generation.decodeTokensPerSecond());
        return root.toString();
    }

    private Consumer<TokenLogprob> appendTo(ArrayNode place) {
        return candidate -> place.addObject().put("token", candidate.token()).put("text", tokenizer.decode(new int[] {candidate.token()}, true))
                .put("logprob", candidate.logprob());
    }

    /** A line for each place in the text with its most likely tokens; nothing if none were asked for. */
    String logprobs() {
        return generation.logprobs().stream().map(this::line).collect(Collectors.joining());
    }

    private String line(TokenScore place) {
        return place.top().stream().map(candidate -> String.format(Locale.ROOT, "%d '%s' %.3f", candidate.token(), tokenizer.tokenText(candidate.token()),
                candidate.logprob())).collect(Collectors.joining("  ", "", "\n"));
    }

    /** Speed and counts as a table. */
    String statistics(String backend) {
        return String.format(Locale.ROOT, """
                backend      %s
                load         %.2f s
                prompt       %d tokens, %.1f tokens/s
                first token  %.3f s
                generated    %d tokens, %.1f tokens/s
                finish       %s
                """, backend, seconds(generation.timings().load()), generation.usage().promptTokens(), generation.prefillTokensPerSecond(),
                seconds(generation.timings().timeToFirstToken()), generation.usage().generatedTokens(), generation.decodeTokensPerSecond(),
                generation.finishReason());
    }

    private static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }
}
