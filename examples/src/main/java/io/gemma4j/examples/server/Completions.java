package io.gemma4j.examples.server;

import io.gemma4j.Cancellation;
import io.gemma4j.Gemma4;
import io.gemma4j.Generation;
import io.gemma4j.GenerationRequest;
import io.gemma4j.Session;
import io.gemma4j.examples.server.Answering.Outcome;
import java.util.function.Consumer;

/** {@code POST /v1/completions}: how a text goes on. */
final class Completions extends JsonEndpoint {
    private static final int DEFAULT_MAX_TOKENS = 16;

    private final Gemma4 model;
    private final Answering answering;
    private final ResponseFormats formats = new ResponseFormats();

    Completions(Gemma4 model, ServerOptions options, Answering answering, ServerMetrics metrics) {
        super("completions", options, metrics);
        this.model = model;
        this.answering = answering;
    }

    @Override
    String promptField() {
        return "prompt";
    }

    @Override
    void answer(Exchange exchange) {
        CompletionRequest request = CompletionRequest.read(exchange.request(), model, formats);
        CompletionJson json = new CompletionJson(modelName(), request, model.tokenizer());
        if (request.generation().stream()) {
            EventStream events = exchange.events();
            json.end(run(exchange, request, events::keepAlive, piece -> events.send(json.piece(piece)))).forEach(events::send);
            events.end();
        } else {
            exchange.send(json.whole(run(exchange, request, () -> {}, piece -> {})));
        }
    }

    private Generation run(Exchange exchange, CompletionRequest request, Runnable onSilence, Consumer<String> onText) {
        Outcome<Generation> outcome = answering.run(request.prompt(), exchange.client(), onSilence,
                (session, canceller) -> generation(session, request, canceller, onText));
        Generation generation = outcome.value();
        metrics.answer(generation.usage(), generation.timings());
        answering.requireSomething(outcome.end(), generation.tokens().isEmpty());
        return generation;
    }

    private Generation generation(Session session, CompletionRequest request, Consumer<Runnable> canceller, Consumer<String> onText) {
        Cancellation cancellation = new Cancellation();
        canceller.accept(cancellation::cancel);
        GenerationFields fields = request.generation();
        GenerationRequest generation = model.prompt(request.prompt()).raw(true).session(session).sampling(defaults -> fields.sampling())
                .maxTokens(fields.maxTokens() == Integer.MAX_VALUE ? DEFAULT_MAX_TOKENS : fields.maxTokens())
                .stop(fields.stop().toArray(String[]::new)).cancellation(cancellation);
        if (request.logprobs() >= 0) {
            generation.logprobs(Math.max(1, request.logprobs()));
        }
        if (fields.constraint() != null) {
            generation.constraint(fields.constraint());
        }
        return generation.stream(onText);
    }
}
