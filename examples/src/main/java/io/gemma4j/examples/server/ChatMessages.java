package io.gemma4j.examples.server;

import com.fasterxml.jackson.databind.JsonNode;
import io.gemma4j.Message;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/** Reads the messages of OpenAI's chats into those of the library. For one list, by one thread. */
final class ChatMessages {
    private final List<Message> messages = new ArrayList<>();
    // Calls that wait for their results, by id, in the order of the calls.
    private final SequencedMap<String, Message.ToolCall> openCalls = new LinkedHashMap<>();
    private final Map<String, String> results = new LinkedHashMap<>();

    private ChatMessages() {}

    /** The messages of a request. */
    static List<Message> read(RequestObject request) {
        request.required("messages");
        List<RequestObject> items = request.objects("messages");
        if (items.isEmpty()) {
            throw request.invalid("messages", "must not be empty");
        }
        ChatMessages reader = new ChatMessages();
        items.forEach(reader::add);
        if (!reader.openCalls.isEmpty()) {
            throw request.invalid("messages", "must hold the result of tool call " + reader.openCalls.firstEntry().getKey());
        }
        return reader.messages;
    }

    private void add(RequestObject item) {
        String role = item.requiredString("role");
        if (!openCalls.isEmpty() && !role.equals("tool")) {
            throw item.invalid("role", "must be \"tool\": the tool call " + openCalls.firstEntry().getKey() + " has no result yet");
        }
        switch (role) {
            case "system", "developer" -> system(item);
            case "user" -> messages.add(Message.user(text(item)));
            case "assistant" -> assistant(item);
            case "tool" -> result(item);
            default -> throw item.invalid("role", "must be system, developer, user, assistant or tool, was \"" + role + "\"");
        }
    }

    // The format has one place for rules, at the start.
    private void system(RequestObject item) {
        if (messages.isEmpty()) {
            messages.add(Message.system(text(item)));
        } else if (messages.getLast().role() == Message.Role.SYSTEM) {
            messages.add(Message.system(messages.removeLast().text() + "\n\n" + text(item)));
        } else {
            throw item.invalid("role", "must not be system or developer after other messages: the model takes rules at the start only");
        }
    }

    private void assistant(RequestObject item) {
        List<RequestObject> calls = item.objects("tool_calls");
        if (calls.isEmpty()) {
            messages.add(Message.model(text(item)));
            return;
        }
        for (RequestObject call : calls) {
            RequestObject function = call.requiredObject("function");
            if (openCalls.put(call.requiredString("id"), new Message.ToolCall(function.requiredString("name"), function.map("arguments"))) != null) {
                throw call.invalid("id", "must be another one for each call");
            }
        }
        messages.add(Message.calls(item.string("reasoning_content").orElse(""), List.copyOf(openCalls.values())));
    }

    private void result(RequestObject item) {
        String id = item.requiredString("tool_call_id");
        if (!openCalls.containsKey(id) || results.containsKey(id)) {
            throw item.invalid("tool_call_id", "must be the id of a call before it that has no result yet, was \"" + id + "\"");
        }
        results.put(id, text(item));
        if (results.size() == openCalls.size()) {
            messages.add(Message.results(openCalls.entrySet().stream()
                    .map(call -> new Message.ToolResult(call.getValue().name(), results.get(call.getKey()))).toList()));
            openCalls.clear();
            results.clear();
        }
    }

    private static String text(RequestObject item) {
        JsonNode content = item.required("content");
        if (content.isTextual()) {
            return content.textValue();
        }
        if (!content.isArray()) {
            throw item.invalid("content", "must be a string or an array of parts");
        }
        StringBuilder text = new StringBuilder();
        for (RequestObject part : item.objects("content")) {
            String type = part.requiredString("type");
            if (!type.equals("text")) {
                throw ApiError.unsupported(part.pathOf("type"),
                        part.pathOf("type") + " must be \"text\", was \"" + type + "\": the model reads text only");
            }
            text.append(part.requiredString("text"));
        }
        return text.toString();
    }
}
