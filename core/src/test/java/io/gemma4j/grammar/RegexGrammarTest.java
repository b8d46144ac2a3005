package io.gemma4j.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.tokenizer.Vocabularies;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RegexGrammarTest {
    private static final RandomText MINI = new RandomText(Vocabularies.MINI);
    private static final List<String> ATOMS = List.of("a", "b", "\u00e9", "\u4e2d", "\ud83d\ude00", ".", "\\d", "\\w", "\\s", "\\D", "\\W", "\\S", "[abc]",
            "[^ab]", "[a-f\\d_-]", "[^\\s\\w]", "\\.", "\\n", "\\x41", "\\u00e9", "\\uD83D\\uDE00", "\\p{Lu}", "[^\\u0000-\\uD7FF]");
    private static final String CHARACTERS = "ab c\u00e9\u4e2d\ud83d\ude00\u2028\u00a0\u0085\n.A1_-";

    private static String pattern(Random random, int depth) {
        return switch (random.nextInt(depth == 0 ? 1 : 5)) {
            case 0 -> ATOMS.get(random.nextInt(ATOMS.size()));
            case 1 -> pattern(random, depth - 1) + pattern(random, depth - 1);
            case 2 -> (random.nextBoolean() ? "(" : "(?:") + pattern(random, depth - 1) + "|" + pattern(random, depth - 1) + ")";
            case 3 -> "(" + pattern(random, depth - 1) + ")" + List.of("*", "+", "?", "{2}", "{1,3}", "{2,}", "*?").get(random.nextInt(7));
            default -> pattern(random, depth - 1);
        };
    }

    private static boolean matches(Grammar grammar, String text) {
        GrammarState state = grammar.start();
        for (byte value : text.getBytes(StandardCharsets.UTF_8)) {
            grammar.beginWork();
            state = grammar.after(state, value);
        }
        return state.accepting;
    }

    @Property(tries = 200)
    void whatRandomLogitsWriteMatches(@ForAll long seed) {
        Random random = new Random(seed);
        String pattern = pattern(random, 4);
        Grammar grammar = Grammar.ofRegex(pattern);
        String text = MINI.write(grammar, random, MINI.shortestTokens(grammar) + random.nextInt(20));
        assertTrue(Pattern.matches(pattern, text), () -> "'" + pattern + "' allowed '" + text + "'");
    }

    @Property(tries = 300)
    void aTextIsAllowedIfItMatches(@ForAll long seed) {
        Random random = new Random(seed);
        // White space and line ends are where the two kinds of regular expressions differ.
        String pattern = pattern(random, 3).replace("\\S", "\\w").replace("\\s", " ").replaceAll("(?<!\\\\)\\.", "[^a]");
        Grammar grammar = Grammar.ofRegex(pattern);
        for (int i = 0; i < 50; i++) {
            int[] codePoints = random.ints(random.nextInt(5), 0, CHARACTERS.codePointCount(0, CHARACTERS.length()))
                    .map(at -> CHARACTERS.codePoints().toArray()[at]).toArray();
            String text = new String(codePoints, 0, codePoints.length);
            assertEquals(Pattern.matches(pattern, text), matches(grammar, text), () -> "'" + pattern + "' on '" + text + "'");
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '~', value = {
        "a(?=b); expected a plain group; look-around and flags are not supported at character 1",
        "(a)\\1; expected no \\1: back references, word boundaries and the like are not supported at character 3",
        "a\\b; expected no \\b",
        "a^; expected '^' at the start only at character 1",
        "(a$)b; expected '$' at the end only",
        "a++; expected one repetition; possessive ones are not supported at character 2",
        "*a; expected something to repeat at character 0",
        "a{3,2}; expected a repetition as {2}, {2,} or {2,3}",
        "a{200000}; expected a number up to 100000 at character 2",
        "[a; expected ']' at character 2, found the end",
        "[]; expected a character",
        "[z-a]; expected a range with its ends in order",
        "(a; expected ')'",
        "a); expected no ')' without a '('",
        "\\p{Nothing}; expected a property that is known",
        "\\; expected something after the backslash",
        "[^\\u0000-\\uD7FF\\uE000-\\u{10FFFF}]; expected 4 hexadecimal digits"
    })
    void whatCannotBeReadIsNamed(String pattern, String message) {
        String actual = assertThrows(IllegalArgumentException.class, () -> Grammar.ofRegex(pattern)).getMessage();
        assertTrue(actual.startsWith("pattern '" + pattern + "': ") && actual.contains(message.replace("; ", ";").replace(";", "; ")), actual);
    }

    @Test
    void aChoiceAllowsItsTextsAndNothingElse() {
        List<String> texts = List.of("yes", "yes, but", "no", "\u4e2d", "");
        Grammar grammar = Grammar.ofChoice(texts);
        texts.forEach(text -> assertTrue(matches(grammar, text), text));
        for (String other : List.of("ye", "yess", "n", "yes, bu", " ")) {
            assertTrue(!matches(grammar, other), other);
        }
        assertThrows(IllegalArgumentException.class, () -> Grammar.ofChoice(List.of()));
    }

    @Test
    void aLongLiteralIsRead() {
        String text = "ab".repeat(50_000);
        assertTrue(matches(Grammar.ofRegex(text), text));
    }

    @Test
    void manyPartsThatMayBeLeftOutAreRead() {
        Grammar grammar = Grammar.ofRegex("a?".repeat(60) + "b");
        assertTrue(matches(grammar, "a".repeat(60) + "b") && !matches(grammar, "a".repeat(61) + "b"));
    }

    @Test
    void whatIsTooComplexIsRefused() {
        Grammar optional = Grammar.ofRegex("a?".repeat(20_000) + "b");
        assertTooComplex(() -> MINI.write(optional, new Random(1), 10));
        String alternatives = IntStream.range(0, 30_000).mapToObj(i -> "k" + i).collect(Collectors.joining("|"));
        Grammar anywhere = Grammar.ofJsonSchema(Map.of("type", "string", "pattern", alternatives));
        assertTooComplex(() -> MINI.write(anywhere, new Random(1), 40));
    }

    private static void assertTooComplex(Executable work) {
        String message = assertThrows(IllegalArgumentException.class, work).getMessage();
        assertTrue(message.contains("too complex to be held"), message);
    }
}
