package io.gemma4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gemma4j.ModelFormatException;
import io.gemma4j.gguf.GgufMetadata;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Vocabularies of a few tokens, whole and broken. */
class TokenizerMetadataTest {
    private static final String MODEL = "tokenizer.ggml.model";
    private static final String TOKENS = "tokenizer.ggml.tokens";
    private static final String TYPES = "tokenizer.ggml.token_type";
    private static final String MERGES = "tokenizer.ggml.merges";
    private static final String BOS = "tokenizer.ggml.bos_token_id";
    private static final String EOS = "tokenizer.ggml.eos_token_id";
    private static final String UNKNOWN = "tokenizer.ggml.unknown_token_id";

    private static final String NO_MERGE =
            "key 'tokenizer.ggml.merges': expected two text tokens, separated by a space, that join to a text token, found ";

    private static final int UNK = 3;
    private static final int A = 5;

    private final List<String> tokens = new ArrayList<>(List.of(
            "<eos>", "<bos>", "<turn|>", "<unk>", "<0x62>", "a", "\u2581", "aa", "\u2581a", "\n", "\n\n", "<|tool_call>"));
    private final List<Object> types = new ArrayList<>(List.of(3, 3, 3, 2, 6, 1, 1, 1, 1, 4, 4, 4));
    private final List<String> merges = new ArrayList<>(List.of("a a", "\u2581 a"));
    private final Map<String, Object> metadata = new HashMap<>();

    @BeforeEach
    void completeMetadata() {
        metadata.putAll(Map.of(MODEL, "gemma4", TOKENS, tokens, TYPES, types, MERGES, merges, BOS, 1, EOS, 2, UNKNOWN, UNK));
    }

    @Test
    void lowerRanksMergeFirst() {
        assertArrayEquals(new int[] {1, 6, 7}, tokenizer().encode(" aa"));
        merges.add(merges.removeFirst());
        assertArrayEquals(new int[] {1, 8, A}, tokenizer().encode(" aa"));
    }

    @Test
    void ofAMergeListedTwiceTheFirstCounts() {
        merges.add("a a");
        assertArrayEquals(new int[] {1, 6, 7}, tokenizer().encode(" aa"));
    }

    @Test
    void aRunOfNewlinesThatIsATokenIsTakenWholeWithoutAnyMerge() {
        assertArrayEquals(new int[] {10, A, 9, 9, 9}, tokenizer().encode("\n\na\n\n\n", false));
    }

    @Test
    void charactersWithoutTokensBecomeBytesOrOneUnknownToken() {
        assertArrayEquals(new int[] {4, UNK, A, UNK, UNK}, tokenizer().encode("bca\ud83e\udd99\u2581", false));
        assertEquals("b\ufffda", tokenizer().decode(4, UNK, A));
    }

    @Test
    void aVocabularyWithoutTheSpaceSymbolSpellsSpacesInBytes() {
        merges.clear();
        tokens.set(6, "<0x20>");
        types.set(6, 6);
        assertArrayEquals(new int[] {6, A, 6}, tokenizer().encode(" a ", false));
        assertEquals(" a ", tokenizer().decode(6, A, 6));
    }

    @Test
    void beginAndEndAreFoundByTextWhereTheFileDoesNotNameThem() {
        metadata.remove(BOS);
        metadata.remove(EOS);
        assertEquals(1, tokenizer().bos());
        assertArrayEquals(new int[] {0, 2}, tokenizer().endOfGenerationTokens());
    }

    @Test
    void theEndThatTheFileNamesCountsToo() {
        metadata.put(EOS, 11);
        assertArrayEquals(new int[] {0, 2, 11}, tokenizer().endOfGenerationTokens());
    }

    @Test
    void reservedTokensAreUnusedWhateverTypeTheFileGivesThem() {
        tokens.add("<unused7>");
        types.add(1);
        assertEquals(true, tokenizer().isUnused(12));
    }

    @Test
    void otherTokenizersAreRefused() {
        metadata.put(MODEL, "llama");
        assertRefused("key 'tokenizer.ggml.model': expected 'gemma4', the only supported tokenizer, found 'llama'");
        metadata.remove(MODEL);
        assertRefused("key 'tokenizer.ggml.model': expected a string, found nothing");
    }

    @Test
    void everyTokenNeedsAType() {
        types.removeLast();
        assertRefused("key 'tokenizer.ggml.token_type': expected one type for each of 12 tokens, found 11 types");
        types.add(7);
        assertRefused("key 'tokenizer.ggml.token_type': expected types 1 to 6, found type 7 of token 11");
        metadata.remove(TYPES);
        assertRefused("key 'tokenizer.ggml.token_type': expected an array of integers, found nothing");
    }

    @Test
    void mergesMustJoinTextTokensToATextToken() {
        for (String merge : List.of("aa", "a b", "b a", "aa a", "", " ", "a ", " a", "a  a", "a a a", "<bos> a", "<0x62> a")) {
            merges.set(1, merge);
            assertRefused(NO_MERGE + "'" + merge + "' as merge 1");
        }
        metadata.remove(MERGES);
        assertRefused("key 'tokenizer.ggml.merges': expected an array of strings, found nothing");
    }

    @Test
    void noMergeMayMakeAControlToken() {
        for (String control : List.of("<|tool_call>", "<turn|>")) {
            tokens.add(control.substring(0, 2));
            tokens.add(control.substring(2));
            types.addAll(List.of(1, 1));
            merges.set(1, control.substring(0, 2) + " " + control.substring(2));
            assertRefused(NO_MERGE + "'" + merges.get(1) + "' as merge 1");
        }
    }

    @Test
    void aControlTokenOfOneCharacterIsNotFoundInText() {
        merges.clear();
        types.set(A, 3);
        assertArrayEquals(new int[] {UNK}, tokenizer().encode("a", false));
    }

    @Test
    void twoTokensMustNotHaveTheSameText() {
        tokens.set(7, "a");
        merges.clear();
        assertRefused("key 'tokenizer.ggml.tokens': expected different texts for all tokens, found 'a' as tokens 5 and 7");
        tokens.set(7, "<bos>");
        types.set(7, 3);
        assertRefused("key 'tokenizer.ggml.tokens': expected different texts for all tokens, found '<bos>' as tokens 1 and 7");
        tokens.set(7, "<0x62>");
        types.set(7, 6);
        assertRefused("key 'tokenizer.ggml.tokens': expected different texts for all tokens, found '<0x62>' as tokens 4 and 7");
    }

    @Test
    void aByteTokenMustSayWhichByte() {
        for (String text : List.of("<0x6>", "<0x6G>", "<0x+6>", "b", "")) {
            tokens.set(4, text);
            assertRefused("key 'tokenizer.ggml.tokens': expected a byte token '<0x00>' to '<0xFF>', found '" + text + "' as token 4");
        }
    }

    @Test
    void specialIdsMustBeControlTokensOfTheVocabulary() {
        for (String key : List.of(BOS, EOS)) {
            Object right = metadata.get(key);
            for (int outside : new int[] {-1, 12}) {
                metadata.put(key, outside);
                assertRefused("key '" + key + "': expected the id of one of 12 tokens, found " + outside);
            }
            metadata.put(key, A);
            assertRefused("key '" + key + "': expected the id of a control token, found 5 'a'");
            metadata.put(key, right);
        }
        metadata.put(UNKNOWN, 12);
        assertRefused("key 'tokenizer.ggml.unknown_token_id': expected the id of one of 12 tokens, found 12");
    }

    @Test
    void aVocabularyWithoutBeginOrEndIsRefused() {
        metadata.remove(BOS);
        tokens.set(1, "<s>");
        assertRefused("key 'tokenizer.ggml.bos_token_id': expected the id of a control token, found nothing, and no token '<bos>'");
        metadata.put(BOS, 1);
        metadata.remove(EOS);
        tokens.set(0, "<end>");
        tokens.set(2, "</s>");
        assertRefused("key 'tokenizer.ggml.eos_token_id': expected the id of a control token, "
                + "found nothing, and no token '<eos>', '<turn|>' or '<|tool_response>'");
    }

    @Test
    void aVocabularyThatCannotExpressEveryCharacterNeedsAnUnknownToken() {
        metadata.remove(UNKNOWN);
        assertRefused("key 'tokenizer.ggml.unknown_token_id': expected the token for characters whose bytes have no tokens, found nothing");
        for (int value = 0; value < 256; value++) {
            if (value != 0x62) {
                tokens.add("<0x%02X>".formatted(value));
                types.add(6);
            }
        }
        assertEquals("\ud83e\udd99 b", tokenizer().decode(tokenizer().encode("\ud83e\udd99 b")));
    }

    private Tokenizer tokenizer() {
        return Tokenizer.of(new GgufMetadata("small.gguf", metadata));
    }

    private void assertRefused(String message) {
        assertEquals("small.gguf: " + message, assertThrows(ModelFormatException.class, this::tokenizer).getMessage());
    }
}
