package io.gemma4j.langchain4j;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.common.AbstractChatModelListenerIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;

class Gemma4ChatModelListenerTest extends AbstractChatModelListenerIT {
    @Override
    protected ChatModel createModel(ChatModelListener listener) {
        return new Gemma4ChatModel(TinyModel.shared(),
                TinyModel.greedy().temperature(temperature()).topP(topP()).maxOutputTokens(maxTokens()).build(), listener);
    }

    @Override
    protected ChatModel createFailingModel(ChatModelListener listener) {
        return new Gemma4ChatModel(TinyModel.closed(), TinyModel.greedy().build(), listener);
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
