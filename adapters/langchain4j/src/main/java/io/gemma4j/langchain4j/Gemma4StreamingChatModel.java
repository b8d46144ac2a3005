package io.gemma4j.langchain4j;

import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import io.gemma4j.Gemma4;
import java.util.List;
import java.util.Set;

/**
 * A Gemma 4 model as LangChain4j's {@link StreamingChatModel}. Each request runs on a virtual thread of its own, which calls the handler; a handler
 * that blocks makes the answer wait. A call of a tool is handed over once it is complete.
 *
 * <p>Thread-safe; requests take turns on the device. Borrows the model: whoever loaded it closes it. What it cannot do is an
 * {@link UnsupportedFeatureException} before anything is generated; everything else goes to the handler.
 */
public final class Gemma4StreamingChatModel implements StreamingChatModel {
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
    public Gemma4StreamingChatModel(Gemma4 model) {
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
    public Gemma4StreamingChatModel(Gemma4 model, ChatRequestParameters defaults, ChatModelListener... listeners) {
        this.model = model;
        ChatRequestRun.check(model, defaults);
        this.defaults = Gemma4ChatRequestParameters.builder().modelName(model.info().name()).overrideWith(defaults).build();
        this.listeners = List.of(listeners);
        this.idle = new IdleSession(model);
    }

    @Override
    public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
        StreamedRun run = new StreamedRun(new ChatRequestRun(model, constraints, request), idle, handler);
        Thread.ofVirtual().name("gemma4j-langchain4j").start(run);
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
