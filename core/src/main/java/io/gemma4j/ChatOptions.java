package io.gemma4j;

import io.gemma4j.chat.ToolDeclaration;
import java.util.List;
import java.util.Optional;

/**
 * What a chat was built with.
 *
 * @param tools of different names
 * @param maxTokens tokens of one answer, thoughts included
 * @param stop strings that end an answer
 * @param maxToolRounds how many times in one call of the application the model hears from tools
 * @param constraint of every answer; null for none
 * @param logprobs how many of the most likely tokens to note at each place; 0 for none
 */
record ChatOptions(Thinking thinking, List<Tool> tools, SamplingOptions sampling, int maxTokens, List<String> stop, Chat.Overflow overflow,
        int maxToolRounds, Constraint constraint, int logprobs) {

    /** The same, but answers have this form; stop strings would cut it. */
    ChatOptions constraint(Constraint value) {
        return new ChatOptions(thinking, tools, sampling, maxTokens, List.of(), overflow, maxToolRounds, value, logprobs);
    }

    List<ToolDeclaration> declarations() {
        return tools.stream().map(Tool::declaration).toList();
    }

    /** Whether all these calls can be answered without the application, at least one by a tool. */
    boolean canAnswer(List<Message.ToolCall> calls) {
        return calls.stream().anyMatch(call -> tool(call).isPresent()) && calls.stream().allMatch(call -> tool(call).map(Tool::hasHandler).orElse(true));
    }

    /** Answers a call; one of a tool that does not exist is told so. */
    Message.ToolResult answer(Message.ToolCall call) {
        return tool(call).map(tool -> tool.call(call.arguments())).orElseGet(() -> Tool.error(call.name(), "there is no tool " + call.name()));
    }

    private Optional<Tool> tool(Message.ToolCall call) {
        return tools.stream().filter(tool -> tool.name().equals(call.name())).findFirst();
    }
}
