package io.gemma4j.langchain4j;

import io.gemma4j.Constraint;
import io.gemma4j.Message;
import io.gemma4j.Reply;
import io.gemma4j.Tool;
import io.gemma4j.chat.Json;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A call that a request demands. Where the model does not call by itself, its text is held to be a call.
 *
 * @param tools at least one
 * @param constraint holds the text: of one tool it is the arguments, of several it says which
 */
record DemandedCall(List<Tool> tools, Constraint constraint) {

    static DemandedCall of(List<Tool> tools, ResponseConstraints constraints) {
        return new DemandedCall(tools, constraints.ofSchema(tools.size() == 1 ? tools.getFirst().schema() : anyOf(tools)).untold());
    }

    // Keys come in the order of the schema: the model first says which tool, then with what.
    private static String anyOf(List<Tool> tools) {
        return tools.stream().map(tool -> "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"name\",\"arguments\"],\"properties\":{\"name\":{\"const\":"
                + Json.write(tool.name()) + "},\"arguments\":" + tool.schema() + "}}").collect(Collectors.joining(",", "{\"anyOf\":[", "]}"));
    }

    /** The reply with the call that its text is, if the model has made none. */
    Reply withCall(Reply reply) {
        if (!reply.toolCalls().isEmpty() || reply.text().isEmpty()) {
            return reply;
        }
        Map<String, Object> text = object(Json.read(reply.text()));
        Message.ToolCall call = tools.size() == 1 ? new Message.ToolCall(tools.getFirst().name(), text)
                : new Message.ToolCall((String) text.get("name"), object(text.get("arguments")));
        return new Reply("", reply.thinking(), List.of(call), reply.finishReason(), reply.usage(), reply.timings(), List.of());
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> object(Object value) {
        return (Map<String, Object>) value;
    }
}
