package io.gemma4j.chat;

import io.gemma4j.Message;
import java.util.List;

/**
 * What a prompt is made from.
 *
 * @param messages in their order; one of the system comes first
 * @param tools what the model may call
 * @param thinking whether it is asked to think
 * @param answer whether the prompt ends where the model's answer begins
 */
public record Conversation(List<Message> messages, List<ToolDeclaration> tools, boolean thinking, boolean answer) {

    /** Copies the lists. */
    public Conversation {
        messages = List.copyOf(messages);
        tools = List.copyOf(tools);
    }
}
