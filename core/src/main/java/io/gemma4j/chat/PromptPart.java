package io.gemma4j.chat;

/** A stretch of a prompt: text, in which nothing is a control token whatever it looks like, or one control token. Immutable. */
public sealed interface PromptPart {

    /**
     * Text.
     *
     * @param text not empty
     */
    record Text(String text) implements PromptPart {
        @Override
        public String toString() {
            return text;
        }
    }

    /**
     * A control token.
     *
     * @param token its vocabulary text, {@code <|turn>} for one
     */
    record Control(String token) implements PromptPart {
        @Override
        public String toString() {
            return token;
        }
    }
}
