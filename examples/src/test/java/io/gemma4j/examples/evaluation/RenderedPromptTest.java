package io.gemma4j.examples.evaluation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gemma4j.chat.PromptRenderer;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.tokenizer.Tokenizer;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tukaani.xz.XZInputStream;

/** On the whole vocabulary of Gemma 4. */
class RenderedPromptTest {
    @TempDir
    private static Path folder;
    private static Tokenizer tokenizer;

    @BeforeAll
    static void unpack() throws Exception {
        Path file = folder.resolve("vocabulary.gguf");
        try (InputStream in = new XZInputStream(Files.newInputStream(Path.of("../core/src/test/resources/tokenizer/gemma4-vocab.gguf.xz")));
                Arena arena = Arena.ofConfined()) {
            Files.copy(in, file);
            tokenizer = Tokenizer.of(GgufFile.open(file, arena).metadata());
        }
    }

    @Test
    void aWrittenOutTurnHasTheTokensOfTheRenderer() {
        String text = "<bos><|turn>user\nWhy is 2 < 3?<turn|>\n<|turn>model\n<|channel>thought\n<channel|>";
        int[] expected = PromptRenderer.userTurn(tokenizer, "Why is 2 < 3?");
        assertArrayEquals(expected, new RenderedPrompt(tokenizer).tokens(text));
        assertEquals(text, tokenizer.decode(expected, true));
    }

    @Test
    void toolTokensAndQuotesAreControlTokensAndTextBetweenThemIsText() {
        RenderedPrompt rendered = new RenderedPrompt(tokenizer);
        String text = "<|tool_call>call:f{a:<|\"|>b <c|> turn|><|\"|>}<tool_call|>";
        int[] tokens = rendered.tokens(text);
        assertEquals(text, tokenizer.decode(tokens, true));
        assertEquals(tokenizer.controlToken("<|tool_call>").orElseThrow(), tokens[0]);
        assertEquals(tokenizer.controlToken("<tool_call|>").orElseThrow(), tokens[tokens.length - 1]);
        int controls = 0;
        for (int token : tokens) {
            controls += tokenizer.isControl(token) ? 1 : 0;
        }
        assertEquals(4, controls);
        assertArrayEquals(new int[0], rendered.tokens(""));
    }
}
