package io.gemma4j.langchain4j;

import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import io.gemma4j.Chat;
import io.gemma4j.ContextOverflowException;
import io.gemma4j.Gemma4;
import io.gemma4j.Reply;
import io.gemma4j.Session;
import java.util.List;
import java.util.Set;

/**
 * A Gemma 4 model as LangChain4j's {@link ChatModel}.
 *
 * {@snippet :
 * try (Gemma4 gemma = Gemma4.load(path)) {
 *     ChatModel model = new Gemma4ChatModel(gemma, Gemma4ChatRequestParameters.builder().temperature(0.2).build());
 *     Assistant assistant = AiServices.builder(Assistant.class).chatModel(model).tools(new Weather()).build();
 * }
 * }
 *
 * <p>Thread-safe; requests of several threads take turns on the device. Borrows the model: whoever loaded it closes it. The session of the last answer is
 * kept, so that a conversation that goes on is not computed from its start again. What it cannot do, pictures for
 * one, is an {@link UnsupportedFeatureException}; a conversation that does not fit the context is a {@link ContextOverflowException}.
 */
public final class Gemma4ChatModel implements ChatModel {
    private final Gemma4 model;
    private final ChatRequestParameters defaults;
    private final List<ChatModelListener> listeners;
    private final IdleSession idle;
    private final ResponseConstraints constraints = new ResponseConstraints();

    /**
     * Wraps a model.
     *
     * @param model stays open as long as this is used
     */
    public Gemma4ChatModel(Gemma4 model) {
        this(model, Gemma4ChatRequestParameters.builder().build());
    }

    /**
     * Wraps a model.
     *
     * @param model stays open as long as this is used
     * @param defaults what requests leave open; {@link Gemma4ChatRequestParameters} also has thinking and seed
     * @param listeners told of each request
     * @throws UnsupportedFeatureException if the defaults ask for what the model cannot do
     */
    public Gemma4ChatModel(Gemma4 model, ChatRequestParameters defaults, ChatModelListener... listeners) {
        this.model = model;
        ChatRequestRun.check(model, defaults);
        this.defaults = Gemma4ChatRequestParameters.builder().modelName(model.info().name()).overrideWith(defaults).build();
        this.listeners = List.of(listeners);
        this.idle = new IdleSession(model);
    }

    @Override
    public ChatResponse doChat(ChatRequest request) {
        ChatRequestRun run = new ChatRequestRun(model, constraints, request);
        Session session = idle.take();
        try (Chat chat = run.open(session)) {
            Reply reply = run.complete(chat.stream(List.of(), event -> {}));
            return run.response(reply, reply.toolCalls().stream().map(ChatRequestRun::toolRequest).toList());
        } finally {
            idle.giveBack(session);
        }
    }

    @Override
    public ChatRequestParameters defaultRequestParameters() {
        return defaults;
    }

    @Override
    public Set<Capability> supportedCapabilities() {
        return Set.of(Capability.RESPONSE_FORMAT_JSON_SCHEMA);
    }

    @Override
    public List<ChatModelListener> listeners() {
        return listeners;
    }
}
