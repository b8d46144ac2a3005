package io.gemma4j.springai;

import io.gemma4j.Message;
import io.gemma4j.chat.Json;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.SystemMessage;
import org.springframework.ai.chat.messages.ToolResponseMessage;
import org.springframework.ai.chat.messages.UserMessage;

/** Spring AI's messages as the library's. */
final class PromptMessages {
    /** The key of a message's metadata that holds the model's thoughts. */
    static final String THINKING = "thinking";

    private PromptMessages() {}

    /**
     * A conversation.
     *
     * @throws IllegalArgumentException if it holds anything but text, or arguments of a call that are no JSON object
     */
    static List<Message> of(List<org.springframework.ai.chat.messages.Message> messages) {
        List<Message> translated = new ArrayList<>();
        List<String> callIds = List.of();
        for (var message : messages) {
            switch (message) {
                case SystemMessage system -> translated.add(Message.system(text(system)));
                case UserMessage user when user.getMedia().isEmpty() -> translated.add(Message.user(text(user)));
                case AssistantMessage answer -> {
                    translated.add(answer(answer));
                    callIds = answer.getToolCalls().stream().map(AssistantMessage.ToolCall::id).toList();
                }
                case ToolResponseMessage results -> translated.add(results(results, callIds));
                default -> throw new IllegalArgumentException("the model reads text only, but a message of type " + message.getMessageType()
                        + " holds something else");
            }
        }
        return translated;
    }

    private static String text(org.springframework.ai.chat.messages.Message message) {
        return message.getText() == null ? "" : message.getText();
    }

    private static Message answer(AssistantMessage answer) {
        if (!answer.hasToolCalls()) {
            return Message.model(text(answer));
        }
        return Message.calls(answer.getMetadata().get(THINKING) instanceof String thought ? thought : "",
                answer.getToolCalls().stream().map(call -> new Message.ToolCall(call.name(), arguments(call))).toList());
    }

    // Results name their call by its id; the format knows them by their order alone.
    private static Message results(ToolResponseMessage results, List<String> callIds) {
        return Message.results(results.getResponses().stream().sorted(Comparator.comparingInt(result -> callIds.indexOf(result.id())))
                .map(result -> new Message.ToolResult(result.name(), result.responseData())).toList());
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> arguments(AssistantMessage.ToolCall call) {
        if (call.arguments().isBlank()) {
            return Map.of();
        }
        if (Json.read(call.arguments()) instanceof Map<?, ?> map) {
            return (Map<String, Object>) map;
        }
        throw new IllegalArgumentException("the arguments of the call of tool " + call.name() + " must be a JSON object, were " + call.arguments());
    }
}
