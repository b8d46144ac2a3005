package io.gemma4j.examples.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gemma4j.Cancellation;
import io.gemma4j.Gemma4;
import io.gemma4j.Generation;
import io.gemma4j.Session;
import io.gemma4j.examples.server.Answering.End;
import io.gemma4j.examples.server.Answering.Outcome;
import java.time.Instant;
import java.util.function.Consumer;

/** {@code POST /v1/completions}: how a text goes on. */
final class Completions extends JsonEndpoint {
    private static final int DEFAULT_MAX_TOKENS = 16;

    private final Gemma4 model;
    private final ServerOptions options;
    private final Answering answering;

    Completions(Gemma4 model, ServerOptions options, Answering answering, ServerMetrics metrics) {
        super("completions", options.modelNames(), metrics);
        this.model = model;
        this.options = options;
        this.answering = answering;
    }

    @Override
    String promptField() {
        return "prompt";
    }

    @Override
    void answer(Exchange exchange) {
        RequestObject request = exchange.request();
        String prompt = prompt(request);
        GenerationFields fields = GenerationFields.read(request, model.samplingDefaults(), model.tokenizer());
        if (request.has("suffix")) {
            throw ApiError.unsupported("suffix", "suffix is not supported");
        }
        if (request.integer("best_of", 1, 128).orElse(1) > 1) {
            throw ApiError.unsupported("best_of", "best_of must be 1");
        }
        String echo = request.flag("echo", false) ? prompt : "";
        String id = AnswerJson.newId("cmpl-");
        long created = Instant.now().getEpochSecond();
        if (fields.stream()) {
            EventStream events = exchange.events();
            Consumer<String> onText = piece -> events.send(piece(id, created, piece, null));
            Generation generation = run(exchange, prompt, fields, events::keepAlive, piece -> {
                if (!events.hasBegun() && !echo.isEmpty()) {
                    onText.accept(echo);
                }
                onText.accept(piece);
            });
            events.send(piece(id, created, "", AnswerJson.finishReason(generation.finishReason(), false)));
            if (fields.includeUsage()) {
                ObjectNode counts = AnswerJson.of(id, "text_completion", created, modelName());
                counts.putArray("choices");
                AnswerJson.putUsage(counts, generation.usage());
                events.send(counts);
            }
            events.end();
        } else {
            Generation generation = run(exchange, prompt, fields, () -> {}, piece -> {});
            ObjectNode answer = piece(id, created, echo + generation.text(), AnswerJson.finishReason(generation.finishReason(), false));
            AnswerJson.putUsage(answer, generation.usage());
            exchange.send(answer);
        }
    }

    private static String prompt(RequestObject request) {
        if (!request.required("prompt").isTextual()) {
            throw ApiError.unsupported("prompt", "prompt must be one string; ask once for each of several, and for tokens by their text");
        }
        return request.requiredString("prompt");
    }

    private ObjectNode piece(String id, long created, String text, String finishReason) {
        ObjectNode answer = AnswerJson.of(id, "text_completion", created, modelName());
        answer.putArray("choices").addObject().put("index", 0).put("text", text).putNull("logprobs").put("finish_reason", finishReason);
        return answer;
    }

    private Generation run(Exchange exchange, String prompt, GenerationFields fields, Runnable onSilence, Consumer<String> onText) {
        Outcome<Generation> outcome = answering.run(prompt, exchange.client(), onSilence,
                (session, canceller) -> generation(session, prompt, fields, canceller, onText));
        Generation generation = outcome.value();
        metrics.answer(generation.usage(), generation.timings());
        if (outcome.end() == End.STOPPED) {
            throw ApiError.stopping();
        }
        if (outcome.end() == End.TIME_LIMIT && generation.tokens().isEmpty()) {
            throw ApiError.timeout(options.timeLimit().toSeconds());
        }
        return generation;
    }

    private Generation generation(Session session, String prompt, GenerationFields fields, Consumer<Runnable> canceller, Consumer<String> onText) {
        Cancellation cancellation = new Cancellation();
        canceller.accept(cancellation::cancel);
        int maxTokens = fields.maxTokens() == Integer.MAX_VALUE ? DEFAULT_MAX_TOKENS : fields.maxTokens();
        return model.prompt(prompt).raw(true).session(session).sampling(defaults -> fields.sampling()).maxTokens(maxTokens)
                .stop(fields.stop().toArray(String[]::new)).cancellation(cancellation).stream(onText);
    }
}
