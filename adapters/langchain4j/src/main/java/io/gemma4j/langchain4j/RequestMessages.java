package io.gemma4j.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.UnsupportedFeatureException;
import io.gemma4j.Message;
import io.gemma4j.chat.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** LangChain4j's messages as the library's. */
final class RequestMessages {
    private RequestMessages() {}

    /**
     * A conversation.
     *
     * @throws UnsupportedFeatureException if it holds anything but text
     * @throws IllegalArgumentException if arguments of a call are no JSON object
     */
    static List<Message> of(Iterable<ChatMessage> messages) {
        List<Message> translated = new ArrayList<>();
        List<ToolExecutionRequest> requests = List.of();
        List<ToolExecutionResultMessage> results = new ArrayList<>();
        for (ChatMessage message : messages) {
            if (message instanceof ToolExecutionResultMessage result) {
                results.add(result);
                continue;
            }
            addResults(requests, results, translated);
            translated.add(of(message));
            requests = message instanceof AiMessage answer ? answer.toolExecutionRequests() : List.of();
        }
        addResults(requests, results, translated);
        return translated;
    }

    private static Message of(ChatMessage message) {
        return switch (message) {
            case SystemMessage system -> Message.system(system.text());
            case UserMessage user -> Message.user(text(user.contents()));
            case AiMessage answer -> answer.hasToolExecutionRequests()
                    ? Message.calls(answer.thinking() == null ? "" : answer.thinking(), answer.toolExecutionRequests().stream().map(RequestMessages::call).toList())
                    : Message.model(answer.text() == null ? "" : answer.text());
            default -> throw new UnsupportedFeatureException("messages of type " + message.type() + " are not supported by Gemma 4");
        };
    }

    // Results name their call by its id; the format knows them by their order alone.
    private static void addResults(List<ToolExecutionRequest> requests, List<ToolExecutionResultMessage> results, List<Message> translated) {
        if (results.isEmpty()) {
            return;
        }
        List<String> ids = requests.stream().map(ToolExecutionRequest::id).toList();
        List<ToolExecutionResultMessage> ordered = new ArrayList<>(results);
        if (results.stream().allMatch(result -> ids.contains(result.id()))) {
            ordered.sort((a, b) -> Integer.compare(ids.indexOf(a.id()), ids.indexOf(b.id())));
        }
        translated.add(Message.results(ordered.stream().map(result -> new Message.ToolResult(result.toolName(), text(result.contents()))).toList()));
        results.clear();
    }

    private static Message.ToolCall call(ToolExecutionRequest request) {
        return new Message.ToolCall(request.name(), arguments(request));
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> arguments(ToolExecutionRequest request) {
        String arguments = request.arguments();
        if (arguments == null || arguments.isBlank()) {
            return Map.of();
        }
        if (Json.read(arguments) instanceof Map<?, ?> map) {
            return (Map<String, Object>) map;
        }
        throw new IllegalArgumentException("the arguments of the call of tool " + request.name() + " must be a JSON object, were " + arguments);
    }

    private static String text(List<Content> contents) {
        return contents.stream().map(content -> {
            if (content instanceof TextContent text) {
                return text.text();
            }
            throw new UnsupportedFeatureException(content.type().name().toLowerCase(Locale.ROOT) + " content is not supported: the model has no use for non-text content");
        }).collect(Collectors.joining("\n"));
    }
}
