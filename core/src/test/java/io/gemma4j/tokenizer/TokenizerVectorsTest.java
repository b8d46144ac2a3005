package io.gemma4j.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The ids that the reference implementation gives, on the whole vocabulary. */
class TokenizerVectorsTest {
    private static final Tokenizer TOKENIZER = Vocabularies.REAL;

    record Vector(String text, int[] ids) {}

    static Stream<Vector> vectors() throws IOException {
        try (InputStream file = TokenizerVectorsTest.class.getResourceAsStream("/tokenizer/vectors.json")) {
            List<JsonNode> nodes = StreamSupport.stream(new ObjectMapper().readTree(file).spliterator(), false).toList();
            assertFalse(nodes.isEmpty());
            return nodes.stream().map(node -> new Vector(node.get("text").asText(),
                    StreamSupport.stream(node.get("ids").spliterator(), false).mapToInt(JsonNode::asInt).toArray()));
        }
    }

    @ParameterizedTest
    @MethodSource("vectors")
    void encodesAsTheReferenceDoes(Vector vector) {
        assertArrayEquals(vector.ids(), TOKENIZER.encode(vector.text(), false));
    }

    @ParameterizedTest
    @MethodSource("vectors")
    void decodesWhatTheReferenceEncoded(Vector vector) {
        assertEquals(vector.text(), TOKENIZER.decode(vector.ids()));
    }

    @Test
    void putsTheBeginningOfSequenceFirst() {
        assertArrayEquals(new int[] {2, 9259, 1902}, TOKENIZER.encode("Hello world"));
        assertArrayEquals(new int[] {2}, TOKENIZER.encode(""));
    }
}
