package io.gemma4j.examples.evaluation;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BiPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How an output is compared with what is expected. The output is the generated text with control tokens written out, up to the token that ended it;
 * its answer is what follows the last {@code <channel|>}, or all of it, without white space at either end. Immutable and thread-safe.
 *
 * @param name as the evaluation file has it
 * @param rule whether an output is right, given what is expected
 */
public record Match(String name, BiPredicate<String, String> rule) {
    private static final String CHANNEL_END = "<channel|>";
    private static final String THOUGHT = "<|channel>thought\n";
    private static final String CALL = "<|tool_call>";
    private static final String CALL_END = "<tool_call|>";
    private static final Pattern WORDS = Pattern.compile("words<=(\\d{1,6})");
    private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);

    /**
     * The match of that name.
     *
     * @param name {@code exact}, {@code contains}, {@code json}, {@code toolCall}, {@code thought}, {@code upperCase} or {@code words<=N}
     * @return the match; empty if there is none of that name
     */
    public static Optional<Match> of(String name) {
        Matcher words = WORDS.matcher(name);
        BiPredicate<String, String> rule = switch (name) {
            case "exact" -> (output, expected) -> answer(output).equals(expected);
            case "contains" -> (output, expected) -> answer(output).contains(expected);
            case "json" -> Match::sameJson;
            case "toolCall" -> Match::isCall;
            case "thought" -> Match::thinksBefore;
            case "upperCase" -> (output, expected) -> answer(output).contains(expected) && answer(output).equals(answer(output).toUpperCase(Locale.ROOT));
            default -> words.matches() ? atMost(Integer.parseInt(words.group(1))) : null;
        };
        return Optional.ofNullable(rule).map(found -> new Match(name, found));
    }

    /** Whether an output is right. */
    public boolean passes(String output, String expected) {
        return rule.test(output, expected);
    }

    private static String answer(String output) {
        int end = output.lastIndexOf(CHANNEL_END);
        return (end < 0 ? output : output.substring(end + CHANNEL_END.length())).strip();
    }

    private static BiPredicate<String, String> atMost(int words) {
        return (output, expected) -> answer(output).contains(expected) && answer(output).split("\\s+").length <= words;
    }

    private static boolean isCall(String output, String expected) {
        int start = output.indexOf(CALL);
        int end = output.indexOf(CALL_END);
        return start >= 0 && start == output.lastIndexOf(CALL) && end > start && end == output.lastIndexOf(CALL_END)
                && output.substring(start + CALL.length(), end).equals(expected);
    }

    private static boolean thinksBefore(String output, String expected) {
        int end = output.indexOf(CHANNEL_END);
        return output.startsWith(THOUGHT) && end >= THOUGHT.length() && !output.substring(THOUGHT.length(), end).isBlank()
                && answer(output).equals(expected);
    }

    private static boolean sameJson(String output, String expected) {
        try {
            JsonNode found = JSON.readTree(answer(output));
            return found.equals(Match::compareScalars, JSON.readTree(expected));
        } catch (JsonProcessingException e) {
            return false;
        }
    }

    /** 0 for equal values; numbers are compared by value, so that 1 equals 1.0. */
    private static int compareScalars(JsonNode a, JsonNode b) {
        if (a.isNumber() && b.isNumber()) {
            return a.decimalValue().compareTo(b.decimalValue());
        }
        return a.equals(b) ? 0 : 1;
    }
}
