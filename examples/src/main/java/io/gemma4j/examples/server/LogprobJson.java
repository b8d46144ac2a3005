package io.gemma4j.examples.server;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gemma4j.TokenScore;
import io.gemma4j.tokenizer.Tokenizer;
import java.util.List;

/**
 * Log-probabilities as OpenAI's API writes them.
 *
 * @param tokenizer the model's
 * @param top how many of the most likely tokens to tell at each place
 */
record LogprobJson(Tokenizer tokenizer, int top) {
    // JSON has no infinity; this is what OpenAI's API says of tokens that are out of the question.
    private static final double LOWEST = -9999;

    /** Of an answer in a conversation. */
    void writeChat(List<TokenScore> scores, ObjectNode choice) {
        ArrayNode content = choice.putObject("logprobs").putArray("content");
        for (TokenScore score : scores) {
            ObjectNode place = content.addObject();
            write(score.token(), score.logprob(), place);
            ArrayNode likely = place.putArray("top_logprobs");
            score.top().stream().limit(top).forEach(other -> write(other.token(), other.logprob(), likely.addObject()));
        }
    }

    private void write(int token, float logprob, ObjectNode node) {
        node.put("token", tokenizer.decode(new int[] {token}, true)).put("logprob", finite(logprob));
        ArrayNode bytes = node.putArray("bytes");
        for (byte value : tokenizer.tokenBytes(token)) {
            bytes.add(value & 0xff);
        }
    }

    /** Of the continuation of a text. */
    void writeCompletion(List<TokenScore> scores, int offset, ObjectNode choice) {
        ObjectNode node = choice.putObject("logprobs");
        ArrayNode tokens = node.putArray("tokens");
        ArrayNode logprobs = node.putArray("token_logprobs");
        ArrayNode likely = node.putArray("top_logprobs");
        ArrayNode offsets = node.putArray("text_offset");
        int at = offset;
        for (TokenScore score : scores) {
            String text = tokenizer.decode(new int[] {score.token()}, true);
            tokens.add(text);
            logprobs.add(finite(score.logprob()));
            ObjectNode place = likely.addObject();
            score.top().stream().limit(top).forEach(other -> place.put(tokenizer.decode(new int[] {other.token()}, true), finite(other.logprob())));
            offsets.add(at);
            at += text.length();
        }
    }

    private static double finite(float logprob) {
        return Math.max(logprob, LOWEST);
    }
}
