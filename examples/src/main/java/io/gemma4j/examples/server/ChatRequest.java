package io.gemma4j.examples.server;

import io.gemma4j.Constraint;
import io.gemma4j.Gemma4;
import io.gemma4j.Message;
import io.gemma4j.Thinking;
import io.gemma4j.Tool;
import java.util.List;

/**
 * What is asked of {@code /v1/chat/completions}.
 *
 * @param messages the conversation
 * @param choice what the model may call, or has to
 * @param thinking whether it thinks first
 * @param generation how it answers
 * @param logprobs whether the log-probability of each token is told
 * @param topLogprobs of how many of the most likely tokens at each place as well
 */
record ChatRequest(List<Message> messages, ToolChoice choice, Thinking thinking, GenerationFields generation, boolean logprobs,
        int topLogprobs) {
    private static final int MAX_TOP_LOGPROBS = 20;
    private static final int LOW_EFFORT_TOKENS = 512;
    private static final int MEDIUM_EFFORT_TOKENS = 2048;

    static ChatRequest read(RequestObject request, Gemma4 model, Thinking thinkingByDefault, ResponseFormats formats) {
        GenerationFields generation = GenerationFields.read(request, model.samplingDefaults(), model.tokenizer(), formats);
        for (String name : List.of("functions", "function_call", "audio", "prediction", "web_search_options")) {
            if (request.has(name)) {
                throw ApiError.unsupported(name, name + " is not supported");
            }
        }
        boolean logprobs = request.flag("logprobs", false);
        int topLogprobs = (int) request.integer("top_logprobs", 0, MAX_TOP_LOGPROBS).orElse(0);
        if (topLogprobs > 0 && !logprobs) {
            throw request.invalid("top_logprobs", "needs logprobs to be true");
        }
        return new ChatRequest(ChatMessages.read(request), ToolChoice.read(request, tools(request), formats), thinking(request, thinkingByDefault),
                generation, logprobs, topLogprobs);
    }

    private static List<Tool> tools(RequestObject request) {
        List<Tool> tools = request.objects("tools").stream().map(ChatRequest::tool).toList();
        if (tools.stream().map(Tool::name).distinct().count() < tools.size()) {
            throw request.invalid("tools", "must have different names");
        }
        return tools;
    }

    private static Tool tool(RequestObject item) {
        String type = item.requiredString("type");
        if (!type.equals("function")) {
            throw ApiError.unsupported(item.pathOf("type"), item.pathOf("type") + " must be \"function\", was \"" + type + "\"");
        }
        RequestObject function = item.requiredObject("function");
        String schema = function.object("parameters").map(RequestObject::toString).orElse("{\"type\":\"object\",\"properties\":{}}");
        try {
            return Tool.of(function.requiredString("name"), function.string("description").orElse(""), schema);
        } catch (IllegalArgumentException e) {
            throw ApiError.invalid(item.pathOf("function"), item.pathOf("function") + ": " + e.getMessage());
        }
    }

    private static Thinking thinking(RequestObject request, Thinking absent) {
        Thinking asked = request.object("chat_template_kwargs").filter(options -> options.has("enable_thinking"))
                .map(options -> options.flag("enable_thinking", false) ? Thinking.ON : Thinking.OFF).orElse(absent);
        return request.string("reasoning_effort").map(effort -> switch (effort) {
            case "none", "minimal" -> Thinking.OFF;
            case "low" -> Thinking.budget(LOW_EFFORT_TOKENS);
            case "medium" -> Thinking.budget(MEDIUM_EFFORT_TOKENS);
            case "high", "xhigh" -> Thinking.ON;
            default -> throw request.invalid("reasoning_effort", "must be none, minimal, low, medium, high or xhigh, was \"" + effort + "\"");
        }).orElse(asked);
    }

    /** What the answer's text has to look like, or null. */
    Constraint constraint() {
        return choice.forced() != null ? choice.forced() : generation.constraint();
    }

    /** The prompt in words that are the same for the same prompt. */
    String transcript() {
        StringBuilder all = new StringBuilder(thinking.enabled() ? "thinking" : "");
        choice.tools().forEach(tool -> all.append(tool.name()).append(tool.description()).append(tool.schema()));
        messages.forEach(message -> all.append(message.role()).append(message.text()).append(message.toolCalls()).append(message.toolResults()));
        return all.toString();
    }
}
