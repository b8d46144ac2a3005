package io.gemma4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

/** What holds for every text, on the whole vocabulary and on a small one. */
class TokenizerPropertiesTest {
    private static final ReferenceBpe REAL_REFERENCE = new ReferenceBpe(Vocabularies.REAL_METADATA);
    private static final ReferenceBpe MINI_REFERENCE = new ReferenceBpe(Vocabularies.MINI_METADATA);

    @Provide
    Arbitrary<String> unicode() {
        Arbitrary<Integer> anyPlane = Arbitraries.integers().between(0, Character.MAX_CODE_POINT)
                .filter(character -> character < Character.MIN_SURROGATE || character > Character.MAX_SURROGATE);
        Arbitrary<Integer> awkward = Arbitraries.of(0, 0x2581, 0xfffd, 0x200d, 0xfe0f, 0x1f632, 0xe9, 0x10ffff, 0x0a, 0x0d, 0x09, 0x20);
        return Arbitraries.oneOf(anyPlane, awkward, Arbitraries.integers().between(0x20, 0x7e)).list().ofMaxSize(60)
                .map(characters -> characters.stream().map(Character::toString).reduce("", String::concat));
    }

    /** Texts that merge a lot: random tokens of the vocabulary, cut anywhere, and runs of what has long tokens. */
    @Provide
    Arbitrary<String> mergeable() {
        Arbitrary<String> tokens = Arbitraries.integers().between(0, 262143).map(id -> Vocabularies.REAL.decode(id));
        Arbitrary<String> parts = tokens.filter(token -> !token.isEmpty())
                .flatMap(token -> Arbitraries.integers().between(0, token.codePointCount(0, token.length()))
                        .map(start -> token.substring(token.offsetByCodePoints(0, start))));
        Arbitrary<String> runs = Arbitraries.of("\n", " ", "a", "=", "\t", "-", "\ud83e\udd99", "\r\n")
                .flatMap(text -> Arbitraries.integers().between(1, 70).map(text::repeat));
        return Arbitraries.oneOf(tokens, parts, runs).list().ofMaxSize(12).map(pieces -> String.join("", pieces));
    }

    @Property(tries = 3000)
    void textSurvivesEncodingAndDecoding(@ForAll("unicode") String text) {
        assertEquals(text, Vocabularies.REAL.decode(Vocabularies.REAL.encode(text)));
        assertEquals(text, Vocabularies.MINI.decode(Vocabularies.MINI.encode(text)));
    }

    @Property(tries = 2000)
    void textOfTokensSurvivesEncodingAndDecoding(@ForAll("mergeable") String text) {
        assertEquals(text, Vocabularies.REAL.decode(Vocabularies.REAL.encode(text)));
        assertEquals(text, Vocabularies.MINI.decode(Vocabularies.MINI.encode(text)));
    }

    @Property(tries = 1000)
    void mergesAsTheDefinitionOfBpeSays(@ForAll("mergeable") String text) {
        assertArrayEquals(REAL_REFERENCE.encode(text), Vocabularies.REAL.encode(text, false));
        assertArrayEquals(MINI_REFERENCE.encode(text), Vocabularies.MINI.encode(text, false));
    }

    @Property(tries = 1000)
    void splitsAnyUnicodeAsTheDefinitionOfBpeSays(@ForAll("unicode") String text) {
        assertArrayEquals(REAL_REFERENCE.encode(text), Vocabularies.REAL.encode(text, false));
        assertArrayEquals(MINI_REFERENCE.encode(text), Vocabularies.MINI.encode(text, false));
    }

    @Property(tries = 200)
    void runsOfNewlinesOfAnyLengthMatchTheDefinition(@ForAll @IntRange(max = 200) int length) {
        String text = "a" + "\n".repeat(length) + "b";
        assertArrayEquals(REAL_REFERENCE.encode(text), Vocabularies.REAL.encode(text, false));
        assertArrayEquals(MINI_REFERENCE.encode(text), Vocabularies.MINI.encode(text, false));
    }

    @Property(tries = 1000)
    void theBeginningOfSequenceIsTheOnlyDifferenceItMakes(@ForAll("unicode") String text) {
        int[] plain = Vocabularies.REAL.encode(text, false);
        int[] expected = IntStream.concat(IntStream.of(Vocabularies.REAL.bos()), Arrays.stream(plain)).toArray();
        assertArrayEquals(expected, Vocabularies.REAL.encode(text));
        assertArrayEquals(expected, Vocabularies.REAL.encode(text, true));
    }

    @Property(tries = 1000)
    void anyCharsWithLoneSurrogatesReplacedSurvive(@ForAll("chars") String text) {
        String valid = text.codePoints().map(character -> Character.getType(character) == Character.SURROGATE ? 0xfffd : character)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
        assertEquals(valid, Vocabularies.REAL.decode(Vocabularies.REAL.encode(text)));
        assertEquals(valid, Vocabularies.MINI.decode(Vocabularies.MINI.encode(text)));
    }

    @Provide
    Arbitrary<String> chars() {
        return Arbitraries.oneOf(Arbitraries.chars().all(), Arbitraries.chars().range('\ud800', '\udfff')).list().ofMaxSize(40)
                .map(chars -> chars.stream().map(String::valueOf).reduce("", String::concat));
    }
}
