package io.gemma4j.examples.conversation;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gemma4j.Gemma4Exception;
import io.gemma4j.Message;
import io.gemma4j.chat.Conversation;
import io.gemma4j.chat.Json;
import io.gemma4j.chat.ToolDeclaration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.StreamSupport;

/**
 * Reads a conversation: an object with {@code messages}, and, if need be, {@code tools}, {@code enable_thinking} (false without it) and
 * {@code add_generation_prompt} (true without it). Messages and tools have the shape of the OpenAI API; arguments of calls may be objects as well as
 * JSON text, and an assistant's message may carry its {@code tool_responses}. What else the object has is left alone. Thread-safe.
 */
public final class ConversationJson {
    private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    private static final Map<String, Object> NO_PARAMETERS = Map.of("type", "object", "properties", Map.of());

    private final String place;

    private ConversationJson(String place) {
        this.place = place;
    }

    /**
     * Reads JSON text.
     *
     * @param place names the text in messages
     * @param text one JSON object
     * @return the object
     * @throws Gemma4Exception if it is none
     */
    public static JsonNode object(String place, String text) {
        JsonNode object;
        try {
            object = JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new Gemma4Exception(place + ": expected a JSON object, found " + e.getOriginalMessage(), e);
        }
        if (!object.isObject()) {
            throw new Gemma4Exception(place + ": expected a JSON object, found " + found(object));
        }
        return object;
    }

    /**
     * Reads a conversation.
     *
     * @param place names it in messages
     * @param object as above
     * @return the conversation
     * @throws Gemma4Exception if a key holds what it must not; names the key
     */
    public static Conversation read(String place, JsonNode object) {
        ConversationJson reader = new ConversationJson(place);
        if (!object.has("messages")) {
            throw reader.unexpected("messages", "an array", object.path("messages"));
        }
        return new Conversation(reader.messages(object.path("messages")), reader.tools(object.path("tools")),
                reader.flag(object, "enable_thinking", false), reader.flag(object, "add_generation_prompt", true));
    }

    private List<Message> messages(JsonNode array) {
        List<Message> messages = new ArrayList<>();
        JsonNode calls = JSON.createArrayNode();
        List<JsonNode> results = new ArrayList<>();
        int number = 0;
        for (JsonNode message : elements(array, "messages")) {
            String key = "messages[" + number++ + "]";
            String role = text(message, key, "role");
            if (!role.equals("tool")) {
                addResults(calls, results, messages);
            }
            switch (role) {
                case "system", "developer" -> messages.add(said(Message.Role.SYSTEM, message, key));
                case "user" -> messages.add(said(Message.Role.USER, message, key));
                case "assistant" -> {
                    calls = message.path("tool_calls");
                    addModel(message, key, messages);
                }
                case "tool" -> results.add(message);
                default -> throw unexpected(key + ".role", "system, developer, user, assistant or tool", message.path("role"));
            }
        }
        addResults(calls, results, messages);
        return messages;
    }

    private Message said(Message.Role role, JsonNode message, String key) {
        return new Message(role, content(message.path("content"), key + ".content"), "", List.of(), List.of());
    }

    private void addModel(JsonNode message, String key, List<Message> messages) {
        List<Message.ToolCall> calls = new ArrayList<>();
        for (JsonNode call : elements(message.path("tool_calls"), key + ".tool_calls")) {
            String callKey = key + ".tool_calls[" + calls.size() + "].function";
            calls.add(new Message.ToolCall(text(call.path("function"), callKey, "name"), arguments(call.path("function").path("arguments"), callKey)));
        }
        String thinking = message.path("reasoning").asText(message.path("reasoning_content").asText(""));
        messages.add(new Message(Message.Role.MODEL, content(message.path("content"), key + ".content"), thinking, calls, List.of()));
        List<Message.ToolResult> results = new ArrayList<>();
        for (JsonNode response : elements(message.path("tool_responses"), key + ".tool_responses")) {
            results.add(new Message.ToolResult(text(response, key + ".tool_responses[" + results.size() + "]", "name"),
                    Json.read(response.path("response").toString())));
        }
        if (!results.isEmpty()) {
            messages.add(Message.results(results));
        }
    }

    // Results name their call by its id; the format knows them by their order alone.
    private void addResults(JsonNode calls, List<JsonNode> results, List<Message> messages) {
        if (results.isEmpty()) {
            return;
        }
        List<String> ids = StreamSupport.stream(calls.spliterator(), false).map(call -> call.path("id").asText()).toList();
        List<Message.ToolResult> ordered = new ArrayList<>();
        for (String id : ids) {
            results.stream().filter(result -> result.path("tool_call_id").asText().equals(id))
                    .forEach(result -> ordered.add(new Message.ToolResult(name(calls.get(ids.indexOf(id))), resultText(result))));
        }
        if (ordered.size() != results.size()) {
            throw new Gemma4Exception(place + ": key 'tool_call_id': expected one of the ids " + ids
                    + " of the assistant's calls for each message of role tool after it, found "
                    + results.stream().map(result -> result.path("tool_call_id").asText()).toList());
        }
        messages.add(Message.results(ordered));
        results.clear();
    }

    private static String name(JsonNode call) {
        return call.path("function").path("name").asText();
    }

    private String resultText(JsonNode result) {
        StringBuilder text = new StringBuilder();
        for (Message.Content part : content(result.path("content"), "content of a message of role tool")) {
            text.append(part instanceof Message.Text(String said) ? said : "");
        }
        return text.toString();
    }

    private List<Message.Content> content(JsonNode content, String key) {
        if (content.isTextual()) {
            return List.of(new Message.Text(content.textValue()));
        }
        List<Message.Content> parts = new ArrayList<>();
        for (JsonNode part : elements(content, key)) {
            String partKey = key + "[" + parts.size() + "]";
            String type = text(part, partKey, "type");
            parts.add(switch (type) {
                case "text" -> new Message.Text(text(part, partKey, "text"));
                case "image", "audio", "video" -> Message.Media.valueOf(type.toUpperCase(Locale.ROOT));
                default -> throw unexpected(partKey + ".type", "text, image, audio or video", part.path("type"));
            });
        }
        return parts;
    }

    private List<ToolDeclaration> tools(JsonNode array) {
        List<ToolDeclaration> tools = new ArrayList<>();
        for (JsonNode tool : elements(array, "tools")) {
            String key = "tools[" + tools.size() + "].function";
            JsonNode function = tool.path("function");
            JsonNode parameters = function.path("parameters");
            tools.add(new ToolDeclaration(text(function, key, "name"), function.path("description").asText(""),
                    parameters.isMissingNode() || parameters.isNull() ? NO_PARAMETERS : map(parameters, key + ".parameters")));
        }
        return tools;
    }

    private Map<String, Object> arguments(JsonNode arguments, String key) {
        if (!arguments.isTextual()) {
            return map(arguments, key + ".arguments");
        }
        return map(object(place + ": key '" + key + ".arguments'", arguments.textValue()), key + ".arguments");
    }

    @SuppressWarnings("unchecked")
    private Map<String, Object> map(JsonNode node, String key) {
        if (!node.isObject()) {
            throw unexpected(key, "a JSON object", node);
        }
        try {
            return (Map<String, Object>) Json.read(node.toString());
        } catch (IllegalArgumentException e) { // it is nested deeper than the library reads
            throw new Gemma4Exception(place + ": key '" + key + "': " + e.getMessage(), e);
        }
    }

    private boolean flag(JsonNode object, String key, boolean otherwise) {
        JsonNode value = object.path(key);
        if (!value.isMissingNode() && !value.isBoolean()) {
            throw unexpected(key, "true or false", value);
        }
        return value.asBoolean(otherwise);
    }

    private Iterable<JsonNode> elements(JsonNode array, String key) {
        if (!array.isArray() && !array.isMissingNode() && !array.isNull()) {
            throw unexpected(key, "an array", array);
        }
        return array;
    }

    private String text(JsonNode object, String key, String name) {
        JsonNode value = object.path(name);
        if (!value.isTextual()) {
            throw unexpected(key + "." + name, "a string", value);
        }
        return value.textValue();
    }

    private Gemma4Exception unexpected(String key, String expected, JsonNode found) {
        return new Gemma4Exception(place + ": key '" + key + "': expected " + expected + ", found " + found(found));
    }

    private static String found(JsonNode value) {
        return value.isMissingNode() ? "nothing" : value.toString();
    }
}
