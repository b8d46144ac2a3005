package io.gemma4j;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * One message of a conversation. Immutable and thread-safe, as far as the arguments and results it holds are.
 *
 * @param role who says it
 * @param content what is said; nothing in it becomes a control token
 * @param thinking what the model thought before, else empty; only the thoughts before calls of the turn that is running go back to the model
 * @param toolCalls of the model
 * @param toolResults the answers to the calls of the message before, in a message of {@link Role#TOOL}
 */
public record Message(Role role, List<Content> content, String thinking, List<ToolCall> toolCalls, List<ToolResult> toolResults) {

    /** Who says something. */
    public enum Role {
        /** Whoever sets the rules, also known as developer. */
        SYSTEM,
        /** Who asks. */
        USER,
        /** The model, also known as assistant. */
        MODEL,
        /** What the model has called. */
        TOOL
    }

    /** A part of what is said. */
    public sealed interface Content {}

    /**
     * Text.
     *
     * @param text white space around it is not shown to the model
     */
    public record Text(String text) implements Content {
        /** Checks the text. */
        public Text {
            Objects.requireNonNull(text, "text");
        }
    }

    /** The place of something that is no text. It can be rendered; the models here read text only. */
    public enum Media implements Content {
        /** A picture. */
        IMAGE,
        /** Sound. */
        AUDIO,
        /** Moving pictures. */
        VIDEO
    }

    /**
     * What the model wants to have done.
     *
     * @param name of the tool
     * @param arguments by name: maps, lists, strings, numbers ({@code Long}, {@code BigInteger}, {@code Double}), booleans and null
     */
    public record ToolCall(String name, Map<String, Object> arguments) {
        /** Copies the map. */
        public ToolCall {
            Objects.requireNonNull(name, "name");
            arguments = Collections.unmodifiableMap(new LinkedHashMap<>(arguments));
        }
    }

    /**
     * What a tool has answered.
     *
     * @param name of the tool
     * @param value text, or a map with string keys of what arguments may be
     */
    public record ToolResult(String name, Object value) {
        /** Checks the name. */
        public ToolResult {
            Objects.requireNonNull(name, "name");
        }
    }

    /**
     * Copies the lists.
     *
     * @throws IllegalArgumentException if another role than the model thinks or calls, or another than a tool has results, or a tool has none
     */
    public Message {
        Objects.requireNonNull(role, "role");
        Objects.requireNonNull(thinking, "thinking");
        content = List.copyOf(content);
        toolCalls = List.copyOf(toolCalls);
        toolResults = List.copyOf(toolResults);
        if (role != Role.MODEL && !(thinking.isEmpty() && toolCalls.isEmpty())) {
            throw new IllegalArgumentException("only a message of role MODEL may have thinking and toolCalls, this one is of role " + role);
        }
        if ((role == Role.TOOL) == toolResults.isEmpty()) {
            throw new IllegalArgumentException("a message of role TOOL must have toolResults and no other may, this one of role " + role + " has "
                    + toolResults.size());
        }
    }

    /**
     * The rules of a conversation; its first message.
     *
     * @param text what the model has to keep to
     * @return the message
     */
    public static Message system(String text) {
        return of(Role.SYSTEM, text);
    }

    /**
     * What a user says.
     *
     * @param text the question
     * @return the message
     */
    public static Message user(String text) {
        return of(Role.USER, text);
    }

    /**
     * What the model has said.
     *
     * @param text the answer
     * @return the message
     */
    public static Message model(String text) {
        return of(Role.MODEL, text);
    }

    /**
     * What the model has called.
     *
     * @param thinking what it thought before, or empty
     * @param calls at least one
     * @return the message
     */
    public static Message calls(String thinking, List<ToolCall> calls) {
        return new Message(Role.MODEL, List.of(), thinking, calls, List.of());
    }

    /**
     * What tools have answered.
     *
     * @param results one for each call of the message before, in its order
     * @return the message
     */
    public static Message results(List<ToolResult> results) {
        return new Message(Role.TOOL, List.of(), "", List.of(), results);
    }

    private static Message of(Role role, String text) {
        return new Message(role, List.of(new Text(text)), "", List.of(), List.of());
    }

    /**
     * Everything that is said.
     *
     * @return the texts of the content, joined
     */
    public String text() {
        List<String> texts = new ArrayList<>();
        for (Content part : content) {
            if (part instanceof Text(String text)) {
                texts.add(text);
            }
        }
        return String.join("", texts);
    }
}
