package io.gemma4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import org.junit.jupiter.api.Test;

class StreamDecoderTest {
    private static final Tokenizer TOKENIZER = Vocabularies.REAL;
    private static final int BYTE_ZERO = TOKENIZER.encode("\0", false)[0];

    /** Anything a broken model may say: tokens of all kinds, with many byte tokens among them. */
    @Provide
    Arbitrary<int[]> ids() {
        Arbitrary<Integer> likely = Arbitraries.of(0xe2, 0x96, 0x81, 0xf0, 0x9f, 0xa6, 0x99, 0xed, 0xa0, 0xc0, 0xf4, 0x90);
        Arbitrary<Integer> bytes = Arbitraries.oneOf(Arbitraries.integers().between(0, 255), likely).map(value -> BYTE_ZERO + value);
        Arbitrary<Integer> any = Arbitraries.integers().between(0, TOKENIZER.vocabularySize() - 1);
        Arbitrary<Integer> special = Arbitraries.of(0, 1, 2, 3, 48, 105, 106);
        return Arbitraries.frequencyOf(Tuple.of(4, bytes), Tuple.of(1, any), Tuple.of(1, special)).array(int[].class).ofMaxSize(40);
    }

    @Property(tries = 5000)
    void thePiecesJoinToWhatAllTokensDecodeTo(@ForAll("ids") int[] ids) {
        StreamDecoder decoder = TOKENIZER.newStreamDecoder();
        StringBuilder joined = new StringBuilder();
        Arrays.stream(ids).mapToObj(decoder::accept).forEach(joined::append);
        joined.append(decoder.flush());
        assertEquals(TOKENIZER.decode(ids), joined.toString());
    }

    @Property(tries = 2000)
    void noPieceEndsInsideACharacter(@ForAll String text) {
        String valid = new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
        StreamDecoder decoder = TOKENIZER.newStreamDecoder();
        StringBuilder joined = new StringBuilder();
        for (byte b : valid.getBytes(StandardCharsets.UTF_8)) {
            String piece = decoder.accept(BYTE_ZERO + (b & 0xff));
            joined.append(piece);
            assertEquals(valid.substring(0, joined.length()), joined.toString());
            assertTrue(piece.codePoints().noneMatch(character -> Character.getType(character) == Character.SURROGATE));
        }
        assertEquals(valid, joined.toString());
        assertEquals("", decoder.flush());
    }

    @Property(tries = 2000)
    void aFlushedDecoderStartsOver(@ForAll("ids") int[] before, @ForAll("ids") int[] after) {
        StreamDecoder decoder = TOKENIZER.newStreamDecoder();
        Arrays.stream(before).forEach(decoder::accept);
        decoder.flush();
        assertEquals("", decoder.flush());
        StringBuilder joined = new StringBuilder();
        Arrays.stream(after).mapToObj(decoder::accept).forEach(joined::append);
        assertEquals(TOKENIZER.decode(after), joined.append(decoder.flush()).toString());
    }

    @Test
    void aCharacterOfBytesAppearsWithItsLastByte() {
        assertEquals(List.of("", "", "", "\ud83e\udd99", ""), pieces(0xf0, 0x9f, 0xa6, 0x99));
    }

    @Test
    void bytesThatCanNoLongerBecomeACharacterAppearAtOnce() {
        assertEquals(List.of("\ufffd", ""), pieces(0xff));
        assertEquals(List.of("\ufffd", ""), pieces(0x80));
        assertEquals(List.of("", "\ufffdA", ""), pieces(0xe2, 'A'));
        assertEquals(List.of("", "\ufffd\ufffd", ""), pieces(0xf0, 0x80));
        assertEquals(List.of("", "", "\ufffd", "\ufffd"), pieces(0xe2, 0x96, 0xe2));
    }

    @Test
    void anIncompleteCharacterAtTheEndBecomesOneReplacementCharacter() {
        assertEquals(List.of("", "", "", "\ufffd"), pieces(0xf0, 0x9f, 0xa6));
        assertEquals(List.of("", "\ufffd"), pieces(0xe2));
    }

    @Test
    void controlTokensAddNothingAndDoNotBreakACharacter() {
        StreamDecoder decoder = TOKENIZER.newStreamDecoder();
        assertEquals("", decoder.accept(BYTE_ZERO + 0xc3));
        assertEquals("", decoder.accept(TOKENIZER.controlToken("<turn|>").orElseThrow()));
        assertEquals("\u00e9", decoder.accept(BYTE_ZERO + 0xa9));
    }

    @Test
    void anIdOutsideTheVocabularyIsRefusedAndLeavesTheStreamAsItWas() {
        StreamDecoder decoder = TOKENIZER.newStreamDecoder();
        assertEquals("", decoder.accept(BYTE_ZERO + 0xc3));
        assertThrows(IllegalArgumentException.class, () -> decoder.accept(262144));
        assertEquals("\u00e9", decoder.accept(BYTE_ZERO + 0xa9));
    }

    private static List<String> pieces(int... bytes) {
        StreamDecoder decoder = TOKENIZER.newStreamDecoder();
        Stream<String> pieces = Arrays.stream(bytes).mapToObj(value -> decoder.accept(BYTE_ZERO + value));
        return Stream.concat(pieces, Stream.of(decoder).map(StreamDecoder::flush)).toList();
    }
}
