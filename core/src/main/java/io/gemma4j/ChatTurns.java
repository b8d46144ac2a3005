package io.gemma4j;

import io.gemma4j.Message.Role;
import java.util.List;

/** The order of the messages in a conversation. */
final class ChatTurns {
    private ChatTurns() {}

    /**
     * Checks what a model can be shown.
     *
     * @throws IllegalArgumentException if a message stands where the format has no place for it, or holds something that is no text
     */
    static void check(List<Message> messages) {
        for (int i = 0; i < messages.size(); i++) {
            Message message = messages.get(i);
            Message before = i == 0 ? null : messages.get(i - 1);
            List<Message.ToolCall> open = before == null ? List.of() : before.toolCalls();
            if (message.role() == Role.SYSTEM && i > 0) {
                throw new IllegalArgumentException("a message of role SYSTEM must be the first, was number " + (i + 1));
            }
            if (message.content().stream().anyMatch(Message.Media.class::isInstance)) {
                throw new IllegalArgumentException("the model reads text only, but message " + (i + 1) + " has content " + message.content());
            }
            if (message.role() == Role.TOOL) {
                checkResults(open, message);
            } else if (!open.isEmpty()) {
                throw new IllegalArgumentException("message " + (i + 1) + " must hold the results of the tool calls before it: "
                        + open.stream().map(Message.ToolCall::name).toList());
            }
        }
    }

    private static void checkResults(List<Message.ToolCall> calls, Message message) {
        List<String> expected = calls.stream().map(Message.ToolCall::name).toList();
        List<String> found = message.toolResults().stream().map(Message.ToolResult::name).toList();
        if (!expected.equals(found)) {
            throw new IllegalArgumentException("the tool results must answer the calls " + expected + " in their order, were of " + found);
        }
    }

    /** Removes the oldest question with all that came of it, unless it is the only one; the system's message stays. Says whether it did. */
    static boolean dropOldest(List<Message> messages) {
        int first = !messages.isEmpty() && messages.getFirst().role() == Role.SYSTEM ? 1 : 0;
        for (int next = first + 1; next < messages.size(); next++) {
            if (messages.get(next).role() == Role.USER) {
                messages.subList(first, next).clear();
                return true;
            }
        }
        return false;
    }
}
