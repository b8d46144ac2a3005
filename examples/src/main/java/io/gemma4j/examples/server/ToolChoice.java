package io.gemma4j.examples.server;

import com.fasterxml.jackson.databind.JsonNode;
import io.gemma4j.Constraint;
import io.gemma4j.Message;
import io.gemma4j.Reply;
import io.gemma4j.Tool;
import io.gemma4j.chat.Json;
import java.util.List;
import java.util.Map;

/**
 * What {@code tool_choice} leaves of the tools. A call that it demands is made in any case: where the model does not call by itself, its text is held
 * to be the arguments of a call.
 *
 * @param tools what the model may call
 * @param forced what holds the text to be a call; null if none is demanded
 */
record ToolChoice(List<Tool> tools, Constraint forced) {
    private static final String FIELD = "tool_choice";

    static ToolChoice read(RequestObject request, List<Tool> tools, ResponseFormats formats) {
        if (!request.has(FIELD)) {
            return new ToolChoice(tools, null);
        }
        JsonNode choice = request.required(FIELD);
        if (choice.isObject()) {
            RequestObject object = request.requiredObject(FIELD);
            if (!object.requiredString("type").equals("function")) {
                throw ApiError.unsupported(object.pathOf("type"), object.pathOf("type") + " must be \"function\"");
            }
            RequestObject function = object.requiredObject("function");
            String name = function.requiredString("name");
            List<Tool> chosen = tools.stream().filter(tool -> tool.name().equals(name)).toList();
            if (chosen.isEmpty()) {
                throw function.invalid("name", "must be the name of one of the tools, was \"" + name + "\"");
            }
            return forced(request, chosen, formats);
        }
        return switch (choice.asText()) {
            case "auto" -> new ToolChoice(tools, null);
            case "none" -> new ToolChoice(List.of(), null);
            case "required" -> forced(request, tools, formats);
            default -> throw request.invalid(FIELD, "must be auto, none, required or a function, was " + choice);
        };
    }

    private static ToolChoice forced(RequestObject request, List<Tool> tools, ResponseFormats formats) {
        if (tools.isEmpty()) {
            throw request.invalid(FIELD, "needs tools to choose from");
        }
        for (String other : List.of("response_format", "stop")) {
            if (request.has(other)) {
                throw ApiError.unsupported(other, other + " cannot be combined with a tool_choice that demands a call");
            }
        }
        try {
            return new ToolChoice(tools, formats.ofSchema(tools.size() == 1 ? tools.getFirst().schema() : anyOf(tools)).untold());
        } catch (IllegalArgumentException e) {
            throw ApiError.invalid(FIELD, FIELD + ": the parameters of the tool cannot be enforced: " + e.getMessage());
        }
    }

    // Of several tools the text says which.
    private static String anyOf(List<Tool> tools) {
        return Json.write(Map.of("anyOf", tools.stream().map(tool -> Map.of("type", "object", "additionalProperties", false,
                "properties", Map.of("name", Map.of("const", tool.name()), "arguments", Json.read(tool.schema())),
                "required", List.of("name", "arguments"))).toList()));
    }

    /** The reply with the call that its text is, if one is demanded and the model has made none. */
    Reply withCall(Reply reply) {
        if (forced == null || !reply.toolCalls().isEmpty()) {
            return reply;
        }
        Map<String, Object> text = object(reply.text());
        boolean named = tools.size() > 1;
        Map<String, Object> arguments = named ? asObject(text.get("arguments")) : text;
        String name = named ? String.valueOf(text.get("name")) : tools.getFirst().name();
        return new Reply("", reply.thinking(), List.of(new Message.ToolCall(name, arguments)), reply.finishReason(), reply.usage(), reply.timings(),
                List.of());
    }

    private static Map<String, Object> object(String text) {
        try {
            return asObject(Json.read(text));
        } catch (IllegalArgumentException e) {
            throw ApiError.malformedCall(); // the time was over in the middle of it
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> asObject(Object value) {
        if (value instanceof Map<?, ?> map) {
            return (Map<String, Object>) map;
        }
        throw ApiError.malformedCall();
    }
}
