package io.gemma4j.chat;

import io.gemma4j.Message;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/**
 * Gemma 4's way to write a call, between its two control tokens: {@code call:name{key:<|"|>text<|"|>,other:1}}, where quotes are control tokens,
 * so that a text may hold anything. Thread-safe.
 */
public final class CallSyntax {
    private CallSyntax() {}

    /**
     * Writes a call.
     *
     * @param call the tool and its arguments
     * @return its parts, without the tokens around it
     * @throws IllegalArgumentException if an argument is nothing that JSON has
     */
    public static List<PromptPart> write(Message.ToolCall call) {
        PromptParts out = new PromptParts();
        write(call, out);
        return out.toList();
    }

    static void write(Message.ToolCall call, PromptParts out) {
        out.text("call:" + call.name());
        new ValueSyntax(out, false).object(call.arguments());
    }

    static void write(Message.ToolResult result, PromptParts out) {
        out.control("<|tool_response>").text("response:" + result.name());
        new ValueSyntax(out, false).object(result.value() instanceof Map<?, ?> map ? map : Collections.singletonMap("value", result.value()));
        out.control("<tool_response|>");
    }

    /**
     * Reads a call.
     *
     * @param parts what the model wrote, without the tokens around it
     * @return the call; numbers are {@code Long}, {@code BigInteger} or {@code Double}, and a bare word is a string
     * @throws IllegalArgumentException if it is no call; says where
     */
    public static Message.ToolCall read(List<PromptPart> parts) {
        return new CallReader(parts).call();
    }
}
