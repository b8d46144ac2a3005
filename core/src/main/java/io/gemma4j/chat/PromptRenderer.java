package io.gemma4j.chat;

import io.gemma4j.Gemma4Exception;
import io.gemma4j.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Puts a conversation into the tokens the model expects. The only place where control tokens come from; text never becomes one. */
public final class PromptRenderer {
    private PromptRenderer() {}

    /**
     * A conversation of one user turn, ready for the model's answer without thinking:
     * {@code <bos><|turn>user\n...<turn|>\n<|turn>model\n<|channel>thought\n<channel|>}.
     *
     * @param tokenizer the model's
     * @param text what the user says; white space around it is dropped, as in the official template
     * @return token ids
     * @throws Gemma4Exception if the vocabulary lacks a control token
     */
    public static int[] userTurn(Tokenizer tokenizer, String text) {
        return join(new int[] {tokenizer.bos()}, control(tokenizer, "<|turn>"), tokenizer.encode("user\n" + text.strip(), false),
                control(tokenizer, "<turn|>"), tokenizer.encode("\n", false), control(tokenizer, "<|turn>"), tokenizer.encode("model\n", false),
                control(tokenizer, "<|channel>"), tokenizer.encode("thought\n", false), control(tokenizer, "<channel|>"));
    }

    private static int[] control(Tokenizer tokenizer, String text) {
        return new int[] {tokenizer.controlToken(text)
                .orElseThrow(() -> new Gemma4Exception("the vocabulary has no control token " + text + "; the prompt can only be continued raw"))};
    }

    private static int[] join(int[]... parts) {
        return Arrays.stream(parts).flatMapToInt(IntStream::of).toArray();
    }
}
