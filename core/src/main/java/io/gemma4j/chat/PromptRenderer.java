package io.gemma4j.chat;

import io.gemma4j.Gemma4Exception;
import io.gemma4j.Message;
import io.gemma4j.Message.Content;
import io.gemma4j.Message.Role;
import io.gemma4j.tokenizer.Tokenizer;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Puts a conversation into the form the model expects, character by character as the template that Google publishes with Gemma 4 does. The only
 * place where control tokens come from; text never becomes one. Thread-safe.
 */
public final class PromptRenderer {
    private static final Map<Message.Media, String> PLACES =
            Map.of(Message.Media.IMAGE, "<|image|>", Message.Media.AUDIO, "<|audio|>", Message.Media.VIDEO, "<|video|>");

    private final PromptParts out = new PromptParts();
    private final Conversation conversation;
    private final List<Message> messages;
    private final int lastUser;
    // Whether the model's turn is still open, because it waits for tools or has just heard from them.
    private boolean turnOpen;

    private PromptRenderer(Conversation conversation) {
        this.conversation = conversation;
        List<Message> all = conversation.messages();
        messages = startsWithSystem() ? all.subList(1, all.size()) : all;
        lastUser = IntStream.range(0, messages.size()).filter(i -> messages.get(i).role() == Role.USER).max().orElse(-1);
    }

    /**
     * Renders a conversation.
     *
     * @param conversation messages, tools and what is asked of the model
     * @return the prompt
     * @throws IllegalArgumentException if arguments or results hold what JSON has not
     */
    public static List<PromptPart> render(Conversation conversation) {
        return new PromptRenderer(conversation).render();
    }

    /**
     * The tokens of a prompt.
     *
     * @param tokenizer the model's
     * @param prompt texts, each encoded by itself, and control tokens
     * @return token ids
     * @throws Gemma4Exception if the vocabulary lacks a control token
     */
    public static int[] tokens(Tokenizer tokenizer, List<PromptPart> prompt) {
        return prompt.stream().flatMapToInt(part -> switch (part) {
            case PromptPart.Text(String text) -> IntStream.of(tokenizer.encode(text, false));
            case PromptPart.Control(String token) -> IntStream.of(tokenizer.controlToken(token).orElseThrow(() -> new Gemma4Exception(
                    "the vocabulary has no control token " + token + "; the prompt can only be continued raw")));
        }).toArray();
    }

    /**
     * A conversation of one user turn, ready for the model's answer without thinking.
     *
     * @param tokenizer the model's
     * @param text what the user says; white space around it is dropped, as in the official template
     * @return token ids
     * @throws Gemma4Exception if the vocabulary lacks a control token
     */
    public static int[] userTurn(Tokenizer tokenizer, String text) {
        return tokens(tokenizer, render(new Conversation(List.of(Message.user(text)), List.of(), false, true)));
    }

    private boolean startsWithSystem() {
        return !conversation.messages().isEmpty() && conversation.messages().getFirst().role() == Role.SYSTEM;
    }

    private List<PromptPart> render() {
        out.control("<bos>");
        if (conversation.thinking() || !conversation.tools().isEmpty() || startsWithSystem()) {
            systemTurn();
        }
        for (int i = 0; i < messages.size(); i++) {
            if (messages.get(i).role() != Role.TOOL) {
                message(i);
            }
        }
        if (conversation.answer() && !turnOpen) {
            out.control("<|turn>").text("model\n");
            if (!conversation.thinking()) {
                out.control("<|channel>").text("thought\n").control("<channel|>");
            }
        }
        return out.toList();
    }

    private void systemTurn() {
        out.control("<|turn>").text("system\n");
        if (conversation.thinking()) {
            out.control("<|think|>").text("\n");
        }
        if (startsWithSystem()) {
            out.text(TemplateText.trim(conversation.messages().getFirst().text()));
        }
        DeclarationSyntax declarations = new DeclarationSyntax(out);
        conversation.tools().forEach(declarations::write);
        out.control("<turn|>").text("\n");
    }

    private void message(int at) {
        Message message = messages.get(at);
        if (message.role() != Role.MODEL || !continuesModelTurn(at)) {
            out.control("<|turn>").text(roleName(message.role()) + "\n");
        }
        if (!message.thinking().isEmpty() && at > lastUser && !message.toolCalls().isEmpty()) {
            out.control("<|channel>").text("thought\n" + message.thinking() + "\n").control("<channel|>");
        }
        for (Message.ToolCall call : message.toolCalls()) {
            out.control("<|tool_call>");
            CallSyntax.write(call, out);
            out.control("<tool_call|>");
        }
        boolean answered = !message.toolCalls().isEmpty() && results(at + 1);
        message.content().forEach(part -> content(message.role(), part));
        turnOpen = !message.toolCalls().isEmpty();
        if (turnOpen && !answered) {
            out.control("<|tool_response>");
        } else if (!answered || message.content().stream().anyMatch(PromptRenderer::saysSomething)) {
            out.control("<turn|>").text("\n");
        }
    }

    // What the model says after calls and their results goes on in the turn it called in.
    private boolean continuesModelTurn(int at) {
        int before = at - 1;
        while (before >= 0 && messages.get(before).role() == Role.TOOL) {
            before--;
        }
        return before >= 0 && messages.get(before).role() == Role.MODEL;
    }

    // Whether there are any.
    private boolean results(int from) {
        int at = from;
        for (; at < messages.size() && messages.get(at).role() == Role.TOOL; at++) {
            messages.get(at).toolResults().forEach(result -> CallSyntax.write(result, out));
        }
        return at > from;
    }

    private void content(Role role, Content part) {
        switch (part) {
            case Message.Text(String text) -> out.text(TemplateText.trim(role == Role.MODEL ? withoutThoughts(text) : text));
            case Message.Media media -> out.control(PLACES.get(media));
        }
    }

    private static boolean saysSomething(Content part) {
        return !(part instanceof Message.Text(String text) && text.isEmpty());
    }

    // Drops what an application has left of the markup in the model's text.
    private static String withoutThoughts(String text) {
        StringBuilder rest = new StringBuilder();
        for (String part : text.split("<channel\\|>", -1)) {
            int thought = part.indexOf("<|channel>");
            rest.append(thought < 0 ? part : part.substring(0, thought));
        }
        return rest.toString();
    }

    private static String roleName(Role role) {
        return switch (role) {
            case SYSTEM -> "system";
            case MODEL -> "model";
            case USER, TOOL -> "user";
        };
    }
}
