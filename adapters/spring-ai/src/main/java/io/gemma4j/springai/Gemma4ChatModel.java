package io.gemma4j.springai;

import io.gemma4j.Chat;
import io.gemma4j.ContextOverflowException;
import io.gemma4j.FinishReason;
import io.gemma4j.Gemma4;
import io.gemma4j.Reply;
import io.gemma4j.Session;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.contextpropagation.ObservationThreadLocalAccessor;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicReference;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.MessageAggregator;
import org.springframework.ai.chat.observation.ChatModelObservationContext;
import org.springframework.ai.chat.observation.ChatModelObservationDocumentation;
import org.springframework.ai.chat.observation.DefaultChatModelObservationConvention;
import org.springframework.ai.chat.prompt.Prompt;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;

/**
 * A Gemma 4 model as Spring AI's {@link ChatModel}.
 *
 * {@snippet :
 * ChatClient client = ChatClient.create(new Gemma4ChatModel(gemma, Gemma4ChatOptions.builder().temperature(0.2).build(), ObservationRegistry.NOOP));
 * String answer = client.prompt("Weather in Oslo?").tools(new WeatherTools()).call().content();
 * }
 *
 * <p>Tools are called by {@code ChatClient}, as with every model of Spring AI 2; here their calls are part of the answer. A streamed answer comes from a
 * virtual thread of its own, and cancelling its subscription ends it. Thoughts are under {@code thinking} in the metadata of messages.
 *
 * <p>Thread-safe; prompts of several threads take turns on the device. Borrows the model: whoever loaded it closes it. The session of the last answer is
 * kept, so that a conversation that goes on is not computed from its start again. Anything but text is an {@link IllegalArgumentException}; a
 * conversation that does not fit the context is a {@link ContextOverflowException}.
 */
public final class Gemma4ChatModel implements ChatModel {
    private static final String PROVIDER = "gemma4j";
    private static final DefaultChatModelObservationConvention CONVENTION = new DefaultChatModelObservationConvention();

    private final Gemma4 model;
    private final Gemma4ChatOptions options;
    private final ObservationRegistry observations;
    private final AtomicReference<Session> idle = new AtomicReference<>();
    private final OutputConstraints constraints = new OutputConstraints();

    /**
     * Wraps a model.
     *
     * @param model stays open as long as this is used
     * @param options of prompts that have none of their own
     * @param observations told of each prompt
     */
    public Gemma4ChatModel(Gemma4 model, Gemma4ChatOptions options, ObservationRegistry observations) {
        this.model = model;
        this.options = options.mutate().model(model.info().name()).build();
        this.observations = observations;
    }

    @Override
    public Gemma4ChatOptions getOptions() {
        return options;
    }

    @Override
    public ChatResponse call(Prompt prompt) {
        Prompt complete = complete(prompt);
        ChatModelObservationContext context = ChatModelObservationContext.builder().prompt(complete).provider(PROVIDER).build();
        return observation(context).observe(() -> {
            PromptRun run = new PromptRun(model, constraints, complete);
            Session session = takeSession();
            try (Chat chat = run.open(session)) {
                ChatResponse response = run.response(chat.stream(List.of(), event -> {}));
                context.setResponse(response);
                return response;
            } finally {
                giveBack(session);
            }
        });
    }

    @Override
    public Flux<ChatResponse> stream(Prompt prompt) {
        Prompt complete = complete(prompt);
        PromptRun run = new PromptRun(model, constraints, complete);
        return Flux.deferContextual(view -> {
            ChatModelObservationContext context = ChatModelObservationContext.builder().prompt(complete).provider(PROVIDER).streaming(true).build();
            Observation observation = observation(context).parentObservation(view.getOrDefault(ObservationThreadLocalAccessor.KEY, null)).start();
            Flux<ChatResponse> answer = Flux.<ChatResponse>create(sink -> Thread.ofVirtual().name("gemma4j-spring-ai").start(() -> answer(run, sink)))
                    .doOnError(observation::error).doFinally(signal -> observation.stop());
            return new MessageAggregator().aggregate(answer, context::setResponse);
        });
    }

    private void answer(PromptRun run, FluxSink<ChatResponse> sink) {
        try {
            Session session = takeSession();
            try (Chat chat = run.open(session)) {
                sink.onDispose(chat::cancel);
                Reply reply = chat.stream(List.of(), event -> {
                    switch (event) {
                        case Chat.Event.Text(String text, _) -> sink.next(run.piece(text, ""));
                        case Chat.Event.Thinking(String thought) -> sink.next(run.piece("", thought));
                        case Chat.Event.ToolCall call -> {} // all of them come at the end
                        case Chat.Event.Done done -> {}
                    }
                    if (sink.isCancelled()) {
                        chat.cancel();
                    }
                });
                if (reply.finishReason() == FinishReason.CANCELLED) {
                    sink.error(new CancellationException("the answer was interrupted, or its model closed"));
                    return;
                }
                sink.next(run.end(reply));
            } finally {
                giveBack(session);
            }
            sink.complete();
        } catch (RuntimeException | Error e) {
            sink.error(e);
        }
    }

    private Prompt complete(Prompt prompt) {
        return prompt.getOptions() == null ? prompt.mutate().chatOptions(options).build() : prompt;
    }

    private Observation observation(ChatModelObservationContext context) {
        return ChatModelObservationDocumentation.CHAT_MODEL_OPERATION.observation(null, CONVENTION, () -> context, observations);
    }

    // Null where the model keeps the sessions of its chats itself.
    private Session takeSession() {
        if (model.loadOptions().prefixCacheBytes() > 0) {
            return null;
        }
        Session session = idle.getAndSet(null);
        return session == null ? model.newSession() : session;
    }

    private void giveBack(Session session) {
        if (session != null && !idle.compareAndSet(null, session)) {
            session.close();
        }
    }
}
