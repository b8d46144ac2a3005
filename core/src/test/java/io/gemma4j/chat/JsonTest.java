package io.gemma4j.chat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.math.BigInteger;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
    private static final ObjectMapper JACKSON = JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

    @Provide
    Arbitrary<Object> values() {
        return JsonValues.values();
    }

    /** What is nearly JSON: pieces of it in any order. */
    @Provide
    Arbitrary<String> nearlyJson() {
        return Arbitraries.of("{", "}", "[", "]", ":", ",", "\"a\"", "\"b\"", "\"\\u00e9\"", "\"\\x\"", "\"\n\"", "1", "-", "01", "1.", ".5", "2e-3", "1E+", "true",
                "nul", "null", " ", "\t", "\"", "\\", "//", "NaN", "'a'").list().ofMaxSize(8).map(parts -> String.join("", parts));
    }

    @Property(tries = 1000)
    void valuesSurviveWritingAndReading(@ForAll("values") Object value) {
        assertEquals(value, Json.read(Json.write(value)));
    }

    @Property(tries = 1000)
    void whatIsWrittenIsWhatJacksonReads(@ForAll("values") Object value) throws JsonProcessingException {
        assertEquals(Json.read(JACKSON.writeValueAsString(value)), Json.read(Json.write(value)));
        assertEquals(JACKSON.readTree(JACKSON.writeValueAsString(value)), JACKSON.readTree(Json.write(value)));
    }

    @Property(tries = 5000)
    void acceptsExactlyWhatJacksonAccepts(@ForAll("nearlyJson") String text) {
        JsonNode expected;
        try {
            expected = JACKSON.readTree(text);
        } catch (JsonProcessingException e) {
            expected = JACKSON.missingNode();
        }
        if (expected.isMissingNode()) {
            assertThrows(IllegalArgumentException.class, () -> Json.read(text));
        } else {
            assertEquals(Json.read(expected.toString()), Json.read(text));
        }
    }

    @Test
    void loneSurrogatesAreEscaped() {
        assertEquals("\"\\ud83d\\ude00\\udc00\"".replace("\\ud83d\\ude00", "\ud83d\ude00"), Json.write("\ud83d\ude00\udc00"));
        assertEquals("a\ud800", Json.read(Json.write("a\ud800")));
    }

    @Test
    void numbersKeepTheirKind() {
        assertEquals(Map.of("a", 1L, "b", 1.0, "c", BigInteger.ONE.shiftLeft(70), "d", Long.MIN_VALUE),
                Json.read("{\"a\": 1, \"b\": 1.0, \"c\": 1180591620717411303424, \"d\": -9223372036854775808}"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "{\"a\":1,\"a\":2}", "[1,]", "{\"a\":1,}", "1 2", "\"a", "\"\\u12g4\"", "\"\\u\uff11\uff11\uff11\uff11\"", "1e999", "+1", "--1"})
    void refusalsSayWhere(String text) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> Json.read(text));
        assertTrue(e.getMessage().matches("no JSON: expected .* at character \\d+, found .*"), e.getMessage());
    }

    @Test
    void deepNestingIsRefusedAndNoStackOverflow() {
        assertEquals(500, Json.write(Json.read("[".repeat(250) + "]".repeat(250))).length());
        assertThrows(IllegalArgumentException.class, () -> Json.read("[".repeat(100_000)));
    }

    @Test
    void valuesThatJsonHasNotAreRefused() {
        for (Object bad : new Object[] {Double.NaN, Float.POSITIVE_INFINITY, new Object(), 'c', Map.of(1, 2)}) {
            assertThrows(IllegalArgumentException.class, () -> Json.write(bad));
        }
    }
}
