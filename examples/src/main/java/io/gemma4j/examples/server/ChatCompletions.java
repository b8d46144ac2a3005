package io.gemma4j.examples.server;

import io.gemma4j.Chat;
import io.gemma4j.FinishReason;
import io.gemma4j.Gemma4;
import io.gemma4j.Reply;
import io.gemma4j.Session;
import io.gemma4j.examples.server.Answering.Outcome;
import java.util.List;
import java.util.function.Consumer;

/** {@code POST /v1/chat/completions}: the next message of a conversation. */
final class ChatCompletions extends JsonEndpoint {
    private final Gemma4 model;
    private final ServerOptions options;
    private final Answering answering;
    private final ResponseFormats formats = new ResponseFormats();

    ChatCompletions(Gemma4 model, ServerOptions options, Answering answering, ServerMetrics metrics) {
        super("chat.completions", options, metrics);
        this.model = model;
        this.options = options;
        this.answering = answering;
    }

    @Override
    String promptField() {
        return "messages";
    }

    @Override
    void answer(Exchange exchange) {
        ChatRequest request = ChatRequest.read(exchange.request(), model, options.thinking(), formats);
        ChatCompletionJson json =
                new ChatCompletionJson(modelName(), request.logprobs() ? new LogprobJson(model.tokenizer(), request.topLogprobs()) : null);
        if (request.generation().stream()) {
            EventStream events = exchange.events();
            boolean textIsCall = request.choice().forced() != null;
            Reply reply = run(exchange, request, events::keepAlive, event -> {
                if (!(textIsCall && event instanceof Chat.Event.Text)) {
                    json.pieces(event).forEach(events::send);
                }
            });
            json.end(reply, request.generation().includeUsage()).forEach(events::send);
            events.end();
        } else {
            exchange.send(json.whole(run(exchange, request, () -> {}, event -> {})));
        }
    }

    private Reply run(Exchange exchange, ChatRequest request, Runnable onSilence, Consumer<Chat.Event> onEvent) {
        Outcome<Reply> outcome = answering.run(request.transcript(), exchange.client(), onSilence,
                (session, canceller) -> reply(session, request, canceller, onEvent));
        Reply reply = outcome.value();
        metrics.answer(reply.usage(), reply.timings());
        answering.requireSomething(outcome.end(), reply.usage().generatedTokens() == 0);
        if (reply.finishReason() == FinishReason.MALFORMED_TOOL_CALL) {
            throw ApiError.malformedCall();
        }
        return request.choice().withCall(reply);
    }

    private Reply reply(Session session, ChatRequest request, Consumer<Runnable> canceller, Consumer<Chat.Event> onEvent) {
        GenerationFields generation = request.generation();
        Chat.Builder builder = model.chat().messages(request.messages()).tools(request.choice().tools()).maxToolRounds(0).thinking(request.thinking())
                .sampling(defaults -> generation.sampling()).maxTokens(generation.maxTokens())
                .stop(generation.stop().toArray(String[]::new)).session(session);
        if (request.logprobs()) {
            builder.logprobs(Math.max(1, request.topLogprobs()));
        }
        if (request.constraint() != null) {
            builder.constraint(request.constraint());
        }
        try (Chat chat = builder.build()) {
            canceller.accept(chat::cancel);
            return chat.stream(List.of(), onEvent);
        }
    }
}
