package io.gemma4j;

import io.gemma4j.chat.ToolDeclaration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a chat was built with.
 *
 * @param tools of different names
 * @param maxTokens tokens of one answer, thoughts included
 * @param stop strings that end an answer
 * @param maxToolRounds how many times in one call of the application the model hears from tools
 * @param rulesForm of which the model is told beside the system's rules, since every answer has it; null for none
 * @param constraint of the answer; null for none
 * @param logprobs how many of the most likely tokens to note at each place; 0 for none
 */
record ChatOptions(Thinking thinking, List<Tool> tools, SamplingOptions sampling, int maxTokens, List<String> stop, Chat.Overflow overflow,
        int maxToolRounds, Constraint rulesForm, Constraint constraint, int logprobs) {

    /** The same, but the next answer has this form; stop strings would cut it. */
    ChatOptions constraint(Constraint value) {
        return new ChatOptions(thinking, tools, sampling, maxTokens, List.of(), overflow, maxToolRounds, rulesForm, value, logprobs);
    }

    /** What the model reads of a conversation. */
    List<Message> told(List<Message> conversation) {
        boolean ruled = !conversation.isEmpty() && conversation.getFirst().role() == Message.Role.SYSTEM;
        String rules = ruled ? conversation.getFirst().text() : "";
        String told = rulesForm == null ? rules : rulesForm.tell(rules);
        return told.equals(rules) ? conversation
                : Stream.concat(Stream.of(Message.system(told)), conversation.stream().skip(ruled ? 1 : 0)).toList();
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
