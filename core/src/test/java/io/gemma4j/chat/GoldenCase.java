package io.gemma4j.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gemma4j.Message;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A conversation in the form of the OpenAI API, and what Jinja2 renders from it with the official template. */
record GoldenCase(String name, Conversation conversation, String expected) {

    static List<GoldenCase> all(String resource) {
        try (InputStream in = GoldenCase.class.getResourceAsStream("/chat/" + resource)) {
            List<GoldenCase> cases = new ArrayList<>();
            for (JsonNode node : new ObjectMapper().readTree(in)) {
                cases.add(new GoldenCase(node.get("name").asText(), conversation(node), node.get("expected").asText()));
            }
            return cases;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Conversation conversation(JsonNode node) {
        List<Message> messages = new ArrayList<>();
        JsonNode calling = null;
        for (JsonNode message : node.get("messages")) {
            switch (message.get("role").asText()) {
                case "system", "developer" -> messages.add(Message.system(message.get("content").asText()));
                case "user" -> messages.add(new Message(Message.Role.USER, content(message.get("content")), "", List.of(), List.of()));
                case "assistant" -> {
                    calling = message;
                    addModel(message, messages);
                }
                case "tool" -> messages.add(Message.results(List.of(new Message.ToolResult(name(calling, message), body(message.get("content"))))));
                default -> throw new IllegalArgumentException(message.toString());
            }
        }
        List<ToolDeclaration> tools = new ArrayList<>();
        for (JsonNode tool : node.path("tools")) {
            JsonNode function = tool.get("function");
            tools.add(new ToolDeclaration(function.get("name").asText(), function.get("description").asText(), map(function.get("parameters"))));
        }
        return new Conversation(messages, tools, node.get("enable_thinking").asBoolean(), node.get("add_generation_prompt").asBoolean());
    }

    private static void addModel(JsonNode message, List<Message> messages) {
        List<Message.ToolCall> calls = new ArrayList<>();
        for (JsonNode call : message.path("tool_calls")) {
            calls.add(new Message.ToolCall(call.get("function").get("name").asText(), map(call.get("function").get("arguments"))));
        }
        String thinking = message.path("reasoning").asText(message.path("reasoning_content").asText(""));
        messages.add(new Message(Message.Role.MODEL, content(message.get("content")), thinking, calls, List.of()));
        List<Message.ToolResult> results = new ArrayList<>();
        for (JsonNode response : message.path("tool_responses")) {
            results.add(new Message.ToolResult(response.get("name").asText(), Json.read(response.get("response").toString())));
        }
        if (!results.isEmpty()) {
            messages.add(Message.results(results));
        }
    }

    private static String name(JsonNode calling, JsonNode result) {
        for (JsonNode call : calling.get("tool_calls")) {
            if (call.get("id").equals(result.get("tool_call_id"))) {
                return call.get("function").get("name").asText();
            }
        }
        throw new IllegalArgumentException(result.toString());
    }

    private static String body(JsonNode content) {
        if (content.isTextual()) {
            return content.asText();
        }
        StringBuilder text = new StringBuilder();
        content.forEach(part -> text.append(part.get("text").asText()));
        return text.toString();
    }

    private static List<Message.Content> content(JsonNode content) {
        if (content.isTextual()) {
            return List.of(new Message.Text(content.asText()));
        }
        List<Message.Content> parts = new ArrayList<>();
        for (JsonNode part : content) {
            parts.add(switch (part.get("type").asText()) {
                case "text" -> new Message.Text(part.get("text").asText());
                case String media -> Message.Media.valueOf(media.toUpperCase(Locale.ROOT));
            });
        }
        return parts;
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(JsonNode node) {
        return (Map<String, Object>) Json.read(node.toString());
    }

    @Override
    public String toString() {
        return name;
    }
}
