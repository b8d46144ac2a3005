package io.gemma4j.chat;

import io.gemma4j.tokenizer.StreamDecoder;
import io.gemma4j.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;

/**
 * Tells apart what a model says, thinks and calls, by its control tokens, as the tokens come. None of the markup is in any text, also where the
 * answer ends in the middle of it. Belongs to one answer and is not thread-safe.
 */
public final class ChannelRouter {

    /** What became known with a token. */
    public sealed interface Piece {}

    /**
     * Part of the answer.
     *
     * @param text not empty
     */
    public record Said(String text) implements Piece {}

    /**
     * Part of the thoughts.
     *
     * @param text not empty
     */
    public record Thought(String text) implements Piece {}

    /**
     * A whole call.
     *
     * @param body what stands between its control tokens; maybe no call that {@link CallSyntax#read} can read
     */
    public record Called(List<PromptPart> body) implements Piece {}

    private enum Place { ANSWER, CHANNEL_NAME, THOUGHT, CALL }

    private final Tokenizer tokenizer;
    private final StreamDecoder decoder;
    private Place place = Place.ANSWER;
    // Newlines at the end of a thought belong to the markup.
    private String heldNewlines = "";
    private PromptParts call = new PromptParts();
    private List<Piece> pieces = new ArrayList<>();

    /**
     * Prepares for an answer.
     *
     * @param tokenizer the model's
     */
    public ChannelRouter(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
        this.decoder = tokenizer.newStreamDecoder();
    }

    /**
     * Takes the next token.
     *
     * @param token its id
     * @return what became known with it, often nothing
     */
    public List<Piece> accept(int token) {
        if (tokenizer.isControl(token)) {
            text(decoder.flush());
            control(tokenizer.tokenText(token));
        } else {
            text(decoder.accept(token));
        }
        return taken();
    }

    /**
     * Ends the answer; a call that is not complete is dropped.
     *
     * @return what was held back
     */
    public List<Piece> flush() {
        text(decoder.flush());
        return taken();
    }

    /** Whether a thought is going on. */
    public boolean isThinking() {
        return place == Place.THOUGHT;
    }

    /** Whether what comes next, unless it is a control token, is part of the answer. */
    public boolean isAnswering() {
        return place == Place.ANSWER;
    }

    /** Whether a call is going on. */
    public boolean isCalling() {
        return place == Place.CALL;
    }

    private List<Piece> taken() {
        List<Piece> result = pieces;
        pieces = new ArrayList<>();
        return result;
    }

    private void control(String token) {
        switch (token) {
            case "<|channel>" -> place = Place.CHANNEL_NAME;
            case "<channel|>" -> {
                heldNewlines = "";
                place = Place.ANSWER;
            }
            case "<|tool_call>" -> {
                call = new PromptParts();
                place = Place.CALL;
            }
            case "<tool_call|>" -> {
                if (place == Place.CALL) {
                    pieces.add(new Called(call.toList()));
                }
                place = Place.ANSWER;
            }
            default -> {
                if (place == Place.CALL) {
                    call.control(token);
                }
            }
        }
    }

    private void text(String text) {
        switch (place) {
            case CALL -> call.text(text);
            case CHANNEL_NAME -> {
                int end = text.indexOf('\n');
                if (end >= 0) {
                    place = Place.THOUGHT;
                    thought(text.substring(end + 1));
                }
            }
            case THOUGHT -> thought(text);
            case ANSWER -> {
                if (!text.isEmpty()) {
                    pieces.add(new Said(text));
                }
            }
        }
    }

    private void thought(String text) {
        String all = heldNewlines + text;
        int end = all.length();
        while (end > 0 && all.charAt(end - 1) == '\n') {
            end--;
        }
        heldNewlines = all.substring(end);
        if (end > 0) {
            pieces.add(new Thought(all.substring(0, end)));
        }
    }
}
