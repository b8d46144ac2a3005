package io.gemma4j.examples.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gemma4j.Generation;
import io.gemma4j.TokenScore;
import io.gemma4j.tokenizer.Tokenizer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** The continuation of a text as OpenAI's API writes it, whole or in pieces. Belongs to one answer, and to one thread at a time. */
final class CompletionJson {
    private final String id = AnswerJson.newId("cmpl-");
    private final long created = Instant.now().getEpochSecond();
    private final String model;
    private final CompletionRequest request;
    private final Tokenizer tokenizer;
    private boolean echoed;

    CompletionJson(String model, CompletionRequest request, Tokenizer tokenizer) {
        this.model = model;
        this.request = request;
        this.tokenizer = tokenizer;
    }

    /** All of it at once. */
    ObjectNode whole(Generation generation) {
        ObjectNode answer = piece(generation.text());
        end(generation, (ObjectNode) answer.get("choices").get(0));
        AnswerJson.putUsage(answer, generation.usage(), generation.timings());
        return answer;
    }

    /** A piece of the text; the first begins with what is to be echoed. */
    ObjectNode piece(String text) {
        String echo = request.echo() && !echoed ? request.prompt() : "";
        echoed = true;
        ObjectNode answer = answer();
        answer.putArray("choices").addObject().put("index", 0).put("text", echo + text).putNull("logprobs").putNull("finish_reason");
        return answer;
    }

    /** The last pieces: why it ended, how likely its tokens were, and how many there were if that is wanted. */
    List<ObjectNode> end(Generation generation) {
        List<ObjectNode> pieces = new ArrayList<>(List.of(piece("")));
        end(generation, (ObjectNode) pieces.getFirst().get("choices").get(0));
        if (request.generation().includeUsage()) {
            ObjectNode counts = answer();
            counts.putArray("choices");
            AnswerJson.putUsage(counts, generation.usage(), generation.timings());
            pieces.add(counts);
        }
        return pieces;
    }

    private void end(Generation generation, ObjectNode choice) {
        choice.put("finish_reason", AnswerJson.finishReason(generation.finishReason(), false));
        if (request.logprobs() >= 0) {
            List<TokenScore> ofText = generation.logprobs().stream().filter(score -> !tokenizer.isEndOfGeneration(score.token())).toList();
            new LogprobJson(tokenizer, request.logprobs()).writeCompletion(ofText, request.echo() ? request.prompt().length() : 0, choice);
        }
    }

    private ObjectNode answer() {
        return AnswerJson.of(id, "text_completion", created, model);
    }
}
