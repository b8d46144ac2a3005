package io.gemma4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerTest {
    private static final Tokenizer REAL = Vocabularies.REAL;

    static Stream<Tokenizer> tokenizers() {
        return Stream.of(Vocabularies.REAL, Vocabularies.MINI);
    }

    @ParameterizedTest
    @MethodSource("tokenizers")
    void controlTokensInTextStayText(Tokenizer tokenizer) {
        int[] special = IntStream.range(0, tokenizer.vocabularySize()).filter(id -> tokenizer.isControl(id) || tokenizer.isUnused(id)).toArray();
        assertTrue(special.length >= 23, special.length + " special tokens");
        for (int id : special) {
            String text = tokenizer.tokenText(id);
            for (String embedded : List.of(text, "a" + text + "b", text + text, "\n" + text + "\n", " " + text + " ", "<" + text + ">")) {
                int[] ids = tokenizer.encode(embedded, false);
                assertTrue(IntStream.of(ids).noneMatch(token -> tokenizer.isControl(token) || tokenizer.isUnused(token)), embedded);
                assertEquals(embedded, tokenizer.decode(ids));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("tokenizers")
    void theDelimitersOfThePromptFormatAreControlTokens(Tokenizer tokenizer) {
        for (String text : List.of("<pad>", "<eos>", "<bos>", "<mask>", "<|turn>", "<turn|>", "<|think|>", "<|channel>", "<channel|>",
                "<|tool>", "<tool|>", "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>", "<|\"|>",
                "<|image>", "<image|>", "<|image|>", "<|audio>", "<audio|>", "<|audio|>", "<|video|>")) {
            int id = tokenizer.controlToken(text).orElseThrow();
            assertEquals(text, tokenizer.tokenText(id));
            assertTrue(tokenizer.isControl(id));
            assertEquals("", tokenizer.decode(id));
            assertEquals(text, tokenizer.decode(new int[] {id}, true));
        }
    }

    @Test
    void textTokensAreNoControlTokens() {
        for (String text : List.of("\n", "\u2581\u2581", "<table>", "</s>", "Hello", "<0x0A>", "<unk>", "<unused0>", "no such token", "")) {
            assertEquals(OptionalInt.empty(), REAL.controlToken(text), text);
        }
    }

    @Test
    void generationEndsAtTheThreeTokensThatEndAnAnswerAndNotAtAStruckOutText() {
        assertArrayEquals(new int[] {1, 50, 106}, REAL.endOfGenerationTokens());
        assertArrayEquals(new int[] {1, 50, 106}, IntStream.range(0, REAL.vocabularySize()).filter(REAL::isEndOfGeneration).toArray());
        assertEquals("</s>", REAL.tokenText(212));
        assertArrayEquals(new int[] {1, 9, 16}, Vocabularies.MINI.endOfGenerationTokens());
    }

    @Test
    void theArrayOfEndsIsTheCallers() {
        Arrays.fill(REAL.endOfGenerationTokens(), 7);
        assertFalse(REAL.isEndOfGeneration(7));
    }

    @Test
    void reservedTokensAreUnused() {
        long expected = Vocabularies.REAL_METADATA.strings("tokenizer.ggml.tokens").stream()
                .filter(text -> text.matches("<unused\\d+>|\\[multimodal]")).count();
        assertEquals(expected, IntStream.range(0, REAL.vocabularySize()).filter(REAL::isUnused).count());
        assertFalse(REAL.isUnused(9259));
    }

    @Test
    void namesItsSizeAndItsBeginningOfSequence() {
        assertEquals(262144, REAL.vocabularySize());
        assertEquals(2, REAL.bos());
        assertEquals("<bos>", REAL.tokenText(REAL.bos()));
    }

    @Test
    void givesTheBytesAndTheVocabularyTextOfATokenApart() {
        int helloWithSpace = REAL.encode(" Hello", false)[0];
        assertEquals("\u2581Hello", REAL.tokenText(helloWithSpace));
        assertArrayEquals(" Hello".getBytes(StandardCharsets.UTF_8), REAL.tokenBytes(helloWithSpace));
        assertEquals("<0xE2>", REAL.tokenText(464));
        assertArrayEquals(new byte[] {(byte) 0xe2}, REAL.tokenBytes(464));
        assertArrayEquals("<turn|>".getBytes(StandardCharsets.UTF_8), REAL.tokenBytes(106));
    }

    @Test
    void everyTokenHasTheTextOfTheFile() {
        List<String> texts = Vocabularies.REAL_METADATA.strings("tokenizer.ggml.tokens");
        assertEquals(texts, IntStream.range(0, REAL.vocabularySize()).mapToObj(REAL::tokenText).toList());
    }

    @Test
    void aLiteralSpaceSymbolIsNoSpace() {
        assertArrayEquals(new int[] {464, 388, 367}, REAL.encode("\u2581", false));
        assertEquals("a\u2581 \u2581b", REAL.decode(REAL.encode("a\u2581 \u2581b")));
    }

    @Test
    void aLoneSurrogateBecomesTheReplacementCharacter() {
        assertArrayEquals(REAL.encode("a\ufffdb\ufffd"), REAL.encode("a\ud83eb\udd99"));
    }

    @Test
    void bytesThatAreNoUtf8DecodeToTheReplacementCharacter() {
        assertEquals("\ufffdA", REAL.decode(464, 303));
        assertEquals("\ufffd", REAL.decode(464, 388));
        assertEquals("\u2581", REAL.decode(464, 388, 367));
    }

    @Test
    void theUnknownTokenDecodesToTheReplacementCharacter() {
        assertEquals("\ufffd", REAL.decode(3));
    }

    @Test
    void htmlIsMergedLikeAnyText() {
        assertFalse(IntStream.of(REAL.encode("<table></s>", false)).anyMatch(id -> id == 168 || id == 212));
        assertEquals("<table></s>", REAL.decode(168, 212));
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 262144, Integer.MAX_VALUE, Integer.MIN_VALUE})
    void anIdOutsideTheVocabularyIsRefusedWithItsNumberAndTheSize(int id) {
        List<Runnable> uses = List.of(() -> REAL.decode(id), () -> REAL.decode(new int[] {9259, id}, true), () -> REAL.tokenText(id),
                () -> REAL.tokenBytes(id), () -> REAL.isControl(id), () -> REAL.isUnused(id), () -> REAL.isEndOfGeneration(id));
        for (Runnable use : uses) {
            String message = assertThrows(IllegalArgumentException.class, use::run).getMessage();
            assertEquals("token id " + id + " is outside the vocabulary of 262144 tokens", message);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", " ", "\n", "\t", "=", "\ud83e\udd99", "\ud83d\ude80", "ab", "\u2581", "\0"})
    @Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void longRunsOfTheSameCharacterAreNotQuadratic(String character) {
        String text = character.repeat(200_000);
        assertEquals(text, REAL.decode(REAL.encode(text)));
    }

    @Test
    @Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aMegabyteInOneLineIsNotQuadratic() {
        String sentence = "The quick brown fox jumps over 13 lazy dogs; \u00e9tude, \u6211\u60f3 and <|turn> are text. ";
        String text = sentence.repeat(1_000_000 / sentence.length());
        assertEquals(text, REAL.decode(REAL.encode(text)));
    }

    @Test
    void oneTokenizerServesManyThreads() {
        List<String> texts = IntStream.range(0, 64).mapToObj(i -> ("Thread " + i + " \ud83e\udd99\n").repeat(50)).toList();
        List<int[]> expected = texts.stream().map(REAL::encode).toList();
        List<int[]> concurrent = texts.parallelStream().map(REAL::encode).toList();
        for (int i = 0; i < texts.size(); i++) {
            assertArrayEquals(expected.get(i), concurrent.get(i));
        }
    }
}
