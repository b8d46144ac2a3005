package io.gemma4j.langchain4j;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.common.AbstractStreamingChatModelListenerIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;

class Gemma4StreamingChatModelListenerTest extends AbstractStreamingChatModelListenerIT {
    @Override
    protected StreamingChatModel createModel(ChatModelListener listener) {
        return new Gemma4StreamingChatModel(TinyModel.shared(),
                TinyModel.greedy().temperature(temperature()).topP(topP()).maxOutputTokens(maxTokens()).build(), listener);
    }

    @Override
    protected StreamingChatModel createFailingModel(ChatModelListener listener) {
        return new Gemma4StreamingChatModel(TinyModel.closed(), TinyModel.greedy().build(), listener);
    }

    @Override
    protected Class<? extends Exception> expectedExceptionClass() {
        return IllegalStateException.class;
    }

    @Override
    protected String modelName() {
        return TinyModel.shared().info().name();
    }
}
