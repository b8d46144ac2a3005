package io.gemma4j.langchain4j;

import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.model.TokenCountEstimator;
import io.gemma4j.Gemma4;
import io.gemma4j.Message;
import io.gemma4j.chat.Conversation;
import io.gemma4j.chat.PromptRenderer;
import io.gemma4j.tokenizer.Tokenizer;
import java.util.List;
import java.util.Map;

/**
 * Counts tokens as a model does, for memories that are limited by tokens. Of messages, what they take in a prompt is counted, with the tokens that
 * begin and end a turn, but without the token that begins the text and those that ask for the answer. Thread-safe; outlives the model.
 */
public final class Gemma4TokenCountEstimator implements TokenCountEstimator {
    private final Tokenizer tokenizer;

    /**
     * Counts with a model's vocabulary.
     *
     * @param model may be closed afterwards
     */
    public Gemma4TokenCountEstimator(Gemma4 model) {
        this.tokenizer = model.tokenizer();
    }

    @Override
    public int estimateTokenCountInText(String text) {
        return tokenizer.encode(text, false).length;
    }

    @Override
    public int estimateTokenCountInMessage(ChatMessage message) {
        return estimateTokenCountInMessages(List.of(message));
    }

    @Override
    public int estimateTokenCountInMessages(Iterable<ChatMessage> messages) {
        List<Message> translated = RequestMessages.of(messages);
        if (translated.isEmpty() || translated.getFirst().role() != Message.Role.TOOL) {
            return tokens(translated) - tokens(List.of());
        }
        // Results have no place in the format without the calls before them.
        Message calls = Message.calls("", translated.getFirst().toolResults().stream().map(result -> new Message.ToolCall(result.name(), Map.of())).toList());
        translated.addFirst(calls);
        return tokens(translated) - tokens(List.of(calls));
    }

    private int tokens(List<Message> messages) {
        return PromptRenderer.tokens(tokenizer, PromptRenderer.render(new Conversation(messages, List.of(), false, false))).length;
    }
}
