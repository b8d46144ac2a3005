package io.gemma4j.grammar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.chat.Json;
import io.gemma4j.tokenizer.Tokenizer;
import io.gemma4j.tokenizer.Vocabularies;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenMasksTest {
    private static final TokenTrie MINI = new TokenTrie(Vocabularies.MINI);

    // A token is allowed if some text goes on with its bytes.
    private static void assertMaskIsRight(Tokenizer tokenizer, Grammar grammar, GrammarState state, long[] mask) {
        for (int token = 0; token < tokenizer.vocabularySize(); token++) {
            boolean expected = tokenizer.isEndOfGeneration(token) && state.accepting;
            if (tokenizer.isText(token)) {
                GrammarState after = state;
                for (byte value : tokenizer.tokenBytes(token)) {
                    after = grammar.after(after, value);
                }
                expected = !after.isDead();
            }
            String name = tokenizer.tokenText(token);
            assertEquals(expected, (mask[token >>> 6] >>> token & 1) != 0, () -> "token '" + name + "'");
        }
    }

    @Property(tries = 60)
    void aMaskHoldsTheTokensThatKeepToTheGrammar(@ForAll long seed) {
        Random random = new Random(seed);
        Grammar grammar = Grammar.ofJsonSchema(new RandomSchema(random).document(2));
        GrammarMatcher matcher = new GrammarMatcher(grammar, MINI);
        GrammarState state = grammar.start();
        for (int i = 0; i < 12 && !matcher.isComplete(); i++) {
            long[] mask = matcher.allowed();
            assertMaskIsRight(Vocabularies.MINI, grammar, state, mask);
            int token = random.nextInt(MINI.vocabularySize());
            while ((mask[token >>> 6] >>> token & 1) == 0) {
                token = (token + 1) % MINI.vocabularySize();
            }
            if (Vocabularies.MINI.isEndOfGeneration(token)) {
                break;
            }
            matcher.accept(token);
            for (byte value : Vocabularies.MINI.tokenBytes(token)) {
                state = grammar.after(state, value);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{\"text\": \"Hello", "{\"text\": \"Hello\\", "{\"text\": \"\u00e9\", \"list\": [12", "{\"text\": \"1234567890123"})
    void masksOfTheWholeVocabularyAreRight(String text) {
        Grammar grammar = Grammar.ofJsonSchema(Json.read("{\"type\": \"object\", \"properties\": {\"text\": {\"type\": \"string\", \"maxLength\": 15}, "
                + "\"list\": {\"type\": \"array\", \"items\": {\"type\": [\"number\", \"string\"]}}}}"));
        GrammarState state = grammar.start();
        for (byte value : text.getBytes(StandardCharsets.UTF_8)) {
            state = grammar.after(state, value);
        }
        TokenTrie trie = new TokenTrie(Vocabularies.REAL);
        long[] mask = grammar.masks(trie).mask(state, trie);
        assertMaskIsRight(Vocabularies.REAL, grammar, state, mask);
    }

    @Property(tries = 100)
    void aTextIsCutIntoTheFewestTokens(@ForAll long seed) {
        Random random = new Random(seed);
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        for (int i = random.nextInt(6); i >= 0; i--) {
            text.writeBytes(MINI.text(random.nextInt(MINI.vocabularySize())));
        }
        int[] tokens = MINI.segment(text.toByteArray());
        ByteArrayOutputStream joined = new ByteArrayOutputStream();
        for (int token : tokens) {
            joined.writeBytes(MINI.text(token));
        }
        assertArrayEquals(text.toByteArray(), joined.toByteArray());
        assertEquals(fewest(text.toByteArray(), 0, new int[text.size() + 1]), tokens.length);
    }

    private static int fewest(byte[] text, int from, int[] known) {
        if (from == text.length) {
            return 0;
        }
        if (known[from] == 0) {
            known[from] = Integer.MAX_VALUE / 2;
            for (int token = 0; token < MINI.vocabularySize(); token++) {
                byte[] bytes = MINI.text(token);
                boolean fits = bytes.length > 0 && new String(text, from, text.length - from, StandardCharsets.ISO_8859_1)
                        .startsWith(new String(bytes, StandardCharsets.ISO_8859_1));
                if (fits) {
                    known[from] = Math.min(known[from], 1 + fewest(text, from + bytes.length, known));
                }
            }
        }
        return known[from];
    }

    @Test
    void tokensThatAreNotAllowedAreRefused() {
        GrammarMatcher matcher = new GrammarMatcher(Grammar.ofChoice(List.of("a")), MINI);
        int b = Vocabularies.MINI.encode("b", false)[0];
        int a = Vocabularies.MINI.encode("a", false)[0];
        assertThrows(IllegalArgumentException.class, () -> matcher.accept(b));
        assertThrows(IllegalArgumentException.class, () -> matcher.accept(Vocabularies.MINI.bos()));
        matcher.accept(a);
        assertTrue(matcher.isComplete());
    }
}
