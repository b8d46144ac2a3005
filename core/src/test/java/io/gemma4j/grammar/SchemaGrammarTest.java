package io.gemma4j.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import io.gemma4j.chat.Json;
import io.gemma4j.tokenizer.Vocabularies;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SchemaGrammarTest {
    private static final RandomText MINI = new RandomText(Vocabularies.MINI);
    private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private static void assertWritesWhatTheSchemaDescribes(String schema, long seed, int texts) throws Exception {
        Grammar grammar = Grammar.ofJsonSchema(Json.read(schema));
        JsonSchema validator = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012).getSchema(schema);
        Random random = new Random(seed);
        int shortest = MINI.shortestTokens(grammar);
        for (int i = 0; i < texts; i++) {
            String text = MINI.write(grammar, random, shortest + (i == 0 ? 0 : random.nextInt(120)));
            JSON.readTree(text);
            Set<ValidationMessage> complaints = validator.validate(text, InputFormat.JSON);
            assertTrue(complaints.isEmpty(), () -> schema + "\nallowed\n" + text + "\nwhich the validator refuses: " + complaints);
        }
    }

    @Property(tries = 150)
    void whatRandomLogitsWriteValidates(@ForAll long seed, @ForAll @IntRange(min = 0, max = 3) int depth) throws Exception {
        String schema = Json.write(new RandomSchema(new Random(seed)).document(depth));
        assertWritesWhatTheSchemaDescribes(schema, seed, 3);
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "true",
        "{}",
        "{\"type\": \"object\"}",
        "{\"$ref\": \"#/$defs/tree\", \"$defs\": {\"tree\": {\"type\": \"object\", \"properties\": {\"children\": {\"type\": \"array\", \"items\": "
                + "{\"$ref\": \"#/$defs/tree\"}}}, \"required\": [\"children\"]}}}",
        "{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"integer\"}}, \"additionalProperties\": {\"type\": \"boolean\"}, \"required\": "
                + "[\"a\", \"b\"]}",
        "{\"type\": \"object\", \"properties\": {\"a\": false, \"b\": true}}",
        "{\"type\": \"array\", \"prefixItems\": [{\"const\": 1}, {\"const\": \"x\"}], \"items\": {\"type\": \"null\"}, \"minItems\": 1}",
        "{\"type\": \"array\", \"prefixItems\": [{\"const\": 1}, {\"const\": \"x\"}], \"items\": false}",
        "{\"type\": \"string\", \"minLength\": 300, \"maxLength\": 310}",
        "{\"type\": \"string\", \"pattern\": \"^[a-c\\\"\\\\\\\\\\\\n]{2,}$\", \"maxLength\": 3}",
        "{\"type\": \"string\", \"pattern\": \"b+c\"}",
        "{\"type\": \"number\", \"exclusiveMinimum\": -0.25, \"maximum\": 0.125}",
        "{\"type\": \"number\", \"minimum\": 99.95, \"exclusiveMaximum\": 100}",
        "{\"type\": \"integer\", \"minimum\": -120, \"exclusiveMaximum\": -7}",
        "{\"oneOf\": [{\"type\": \"object\", \"properties\": {\"kind\": {\"const\": \"a\"}}, \"required\": [\"kind\"]}, {\"type\": \"object\", "
                + "\"properties\": {\"kind\": {\"enum\": [\"b\", \"c\"]}, \"x\": {\"type\": \"null\"}}, \"required\": [\"x\", \"kind\"]}]}",
        "{\"enum\": [null, true, \"a\\\"\\u00e9\\u4e2d\", 1.5, [1, {\"k\": []}]]}",
        "{\"type\": [\"integer\", \"null\"], \"enum\": [null, 3, \"x\"]}",
        "{\"type\": \"string\", \"format\": \"date-time\"}"
    })
    void keywordsAreHeld(String schema) throws Exception {
        assertWritesWhatTheSchemaDescribes(schema, 7, 40);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "{\"type\": \"array\", \"uniqueItems\": true}|schema at #: keyword 'uniqueItems' is not supported",
        "{\"properties\": {\"a\": {\"multipleOf\": 2}}}|schema at #/properties/a: keyword 'multipleOf' is not supported",
        "{\"items\": {\"not\": {}}}|schema at #/items: keyword 'not' is not supported",
        "{\"$ref\": \"other.json\"}|schema at #/$ref: expected a reference within the schema, beginning with '#' or '#/', found other.json",
        "{\"$ref\": \"#/$defs/none\"}|schema at #/$ref: expected a reference to something in the schema, found #/$defs/none",
        "{\"type\": \"text\"}|expected one or several of [array, boolean, integer, null, number, object, string], found text",
        "{\"minLength\": -1}|schema at #/minLength: expected an integer from 0 to 1000000, found -1",
        "{\"type\": \"string\", \"pattern\": \"a(?=b)\"}|look-around and flags are not supported at character 1",
        "{\"type\": \"string\", \"format\": \"color\"}|expected one of [date, date-time, ipv4, time, uuid]",
        "{\"oneOf\": [{\"type\": \"integer\"}, {\"type\": \"number\"}]}|alternatives 0 and 1 may both hold",
        "{\"allOf\": [{}, {}]}|the conjunction of several is not supported",
        "{\"minimum\": 3, \"maximum\": 2}|no JSON document satisfies the schema",
        "{\"type\": \"object\", \"properties\": {\"a\": {\"$ref\": \"#\"}}, \"required\": [\"a\"]}|no JSON document satisfies the schema",
        "{\"$ref\": \"#\"}|no JSON document satisfies the schema",
        "{\"type\": \"string\", \"pattern\": \"^a{5}$\", \"maxLength\": 4}|no JSON document satisfies the schema",
        "3|schema at #: expected an object or a boolean, found 3"
    })
    void whatCannotBeEnforcedIsNamed(String schema, String message) {
        String actual = assertThrows(IllegalArgumentException.class, () -> Grammar.ofJsonSchema(Json.read(schema))).getMessage();
        assertTrue(actual.contains(message), actual);
    }

    @Test
    void keysOfFurtherPropertiesAreNoneOfTheNamedOnes() {
        Grammar grammar = Grammar.ofJsonSchema(Json.read("{\"properties\": {\"a\": {}, \"ab\": {}}, \"additionalProperties\": true}"));
        GrammarState afterBrace = after(grammar, "{\"x\":1,\"");
        for (String key : new String[] {"a", "ab"}) {
            assertTrue(after(grammar, afterBrace, key + "\"").isDead(), key);
        }
        for (String key : new String[] {"", "b", "abc", "aa", "\u00e9"}) {
            assertTrue(!after(grammar, afterBrace, key + "\":").isDead(), key);
        }
    }

    @Test
    void anAlternativeThatIsTheSchemaItselfAddsNothing() {
        Grammar grammar = Grammar.ofJsonSchema(Json.read("{\"anyOf\": [{\"$ref\": \"#\"}, {\"type\": \"integer\", \"minimum\": 3, \"maximum\": 5}]}"));
        assertTrue(after(grammar, "4").accepting);
        assertTrue(after(grammar, "6").isDead());
    }

    @Test
    void whiteSpaceIsOptionalAndLimited() {
        Grammar grammar = Grammar.ofJsonSchema(Json.read("{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"array\"}}}"));
        for (String text : new String[] {"{\"a\":[1,2]}", "{ \"a\": [1, 2] }", "{\n  \"a\": [\n    1,\n    2\n  ]\n}", "{}", "{ }"}) {
            assertTrue(after(grammar, text).accepting, text);
        }
        assertTrue(after(grammar, "{\n\n").isDead());
        assertTrue(after(grammar, "{  ").isDead());
    }

    @Test
    void theShortestDocumentIsWrittenWhereNothingElseFits() {
        Grammar grammar = Grammar.ofJsonSchema(Json.read("{\"required\": [\"n\", \"s\", \"l\"], \"properties\": {\"n\": {\"type\": \"integer\", \"minimum\": 10}, "
                + "\"s\": {\"type\": \"string\", \"minLength\": 2}, \"l\": {\"type\": \"array\", \"minItems\": 2, \"items\": {\"enum\": [\"long\", 1]}}}}"));
        assertEquals("{\"n\":10,\"s\":\"aa\",\"l\":[1,1]}", MINI.write(grammar, new Random(1), MINI.shortestTokens(grammar)).replaceAll("\\s", ""));
    }

    @Test
    void nestingComesToAnEnd() throws Exception {
        Grammar grammar = Grammar.ofJsonSchema(true);
        int deepest = 0;
        while (!after(grammar, "[".repeat(deepest + 1)).isDead()) {
            deepest++;
        }
        assertTrue(deepest >= 100 && deepest <= 200, "depth " + deepest);
        String text = "[".repeat(deepest);
        JSON.readTree(text + new String(grammar.shortest(after(grammar, text)), StandardCharsets.UTF_8));
    }

    @Test
    void manyPropertiesThatMayBeLeftOutAreRead() {
        String properties = IntStream.range(0, 5000).mapToObj(i -> "\"p" + i + "\": {\"type\": \"null\"}").collect(Collectors.joining(", "));
        Grammar grammar = Grammar.ofJsonSchema(Json.read("{\"type\": \"object\", \"properties\": {" + properties + "}}"));
        assertTrue(after(grammar, "{\"p7\":null,\"p4999\":null}").accepting);
        assertTrue(after(grammar, "{\"p7\":null,\"p6\":").isDead());
    }

    @Test
    void referencesAreFollowedSoFarAndNoFurther() {
        assertTrue(after(Grammar.ofJsonSchema(chain(100)), "7").accepting);
        String message = assertThrows(IllegalArgumentException.class, () -> Grammar.ofJsonSchema(chain(20_000))).getMessage();
        assertTrue(message.contains("expected at most 200 references that lead from one to the next"), message);
    }

    private static Object chain(int references) {
        String links = IntStream.range(0, references).mapToObj(i -> "\"" + i + "\": {\"$ref\": \"#/$defs/" + (i + 1) + "\"}, ").collect(Collectors.joining());
        return Json.read("{\"$ref\": \"#/$defs/0\", \"$defs\": {" + links + "\"" + references + "\": {\"type\": \"integer\"}}}");
    }

    @Test
    void alternativesThatLeadBackToThemselvesMayBothHold() {
        String side = "{\"type\": \"object\", \"required\": [\"x\"], \"properties\": {\"x\": {\"$ref\": \"#/$defs/%s\"}}}";
        Object schema = Json.read("{\"oneOf\": [{\"$ref\": \"#/$defs/a\"}, {\"$ref\": \"#/$defs/b\"}], \"$defs\": {\"a\": " + side.formatted("a")
                + ", \"b\": " + side.formatted("b") + "}}");
        String message = assertThrows(IllegalArgumentException.class, () -> Grammar.ofJsonSchema(schema)).getMessage();
        assertTrue(message.contains("may both hold"), message);
    }

    @Test
    void aGrammarThatForgetsItsStatesReadsOn() {
        Grammar grammar = Grammar.ofJsonSchema(Json.read("{\"type\": \"array\", \"maxItems\": 4000, \"items\": {\"type\": \"string\"}}"));
        String most = "[" + "\"ab\",".repeat(3999);
        assertTrue(after(grammar, most + "\"ab\"]").accepting);
        assertTrue(after(grammar, most + "\"ab\",").isDead());
    }

    private static GrammarState after(Grammar grammar, String text) {
        return after(grammar, grammar.start(), text);
    }

    private static GrammarState after(Grammar grammar, GrammarState from, String text) {
        GrammarState state = from;
        for (byte value : text.getBytes(StandardCharsets.UTF_8)) {
            state = grammar.after(state, value);
        }
        return state;
    }
}
