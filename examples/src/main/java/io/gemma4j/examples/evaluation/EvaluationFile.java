package io.gemma4j.examples.evaluation;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gemma4j.Gemma4Exception;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Reads evaluation cases: one JSON object a line, with {@code skill}, {@code prompt}, {@code maxTokens}, {@code match} and {@code expected}. */
public final class EvaluationFile {
    private static final String RESOURCE = "/io/gemma4j/examples/eval.jsonl";
    private static final ObjectMapper JSON = new ObjectMapper();

    private EvaluationFile() {}

    /**
     * The cases of the embedded model.
     *
     * @return at least one
     * @throws IOException if they are missing
     */
    public static List<EvaluationCase> embedded() throws IOException {
        try (InputStream in = EvaluationFile.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new FileNotFoundException("the evaluation file eval.jsonl is missing from the examples jar");
            }
            return parse("eval.jsonl of the examples jar", new String(in.readAllBytes(), StandardCharsets.UTF_8));
        }
    }

    /**
     * The cases of a text; blank lines are skipped.
     *
     * @param source names it in messages
     * @param text the lines
     * @return at least one
     * @throws Gemma4Exception if a line is no case, naming the line and what is wrong with it, or there is none
     */
    public static List<EvaluationCase> parse(String source, String text) {
        List<EvaluationCase> cases = new ArrayList<>();
        int number = 0;
        for (String line : text.split("\n")) {
            number++;
            if (!line.isBlank()) {
                cases.add(parseLine(source + ": line " + number, line));
            }
        }
        if (cases.isEmpty()) {
            throw new Gemma4Exception(source + ": expected a line with an evaluation case, found none");
        }
        return List.copyOf(cases);
    }

    private static EvaluationCase parseLine(String place, String line) {
        JsonNode object;
        try {
            object = JSON.readTree(line);
        } catch (JsonProcessingException e) {
            throw new Gemma4Exception(place + ": expected a JSON object, found " + e.getOriginalMessage(), e);
        }
        String match = text(place, object, "match");
        JsonNode maxTokens = object.path("maxTokens");
        if (!maxTokens.canConvertToInt() || !maxTokens.isIntegralNumber() || maxTokens.intValue() < 1) {
            throw new Gemma4Exception(place + ": key 'maxTokens': expected a whole number of at least 1, found " + found(maxTokens));
        }
        return new EvaluationCase(text(place, object, "skill"), text(place, object, "prompt"), maxTokens.intValue(),
                Match.of(match).orElseThrow(() -> new Gemma4Exception(place
                        + ": key 'match': expected exact, contains, json, toolCall, thought, upperCase or words<=N, found '" + match + "'")),
                text(place, object, "expected"));
    }

    private static String text(String place, JsonNode object, String key) {
        JsonNode value = object.path(key);
        if (!value.isTextual()) {
            throw new Gemma4Exception(place + ": key '" + key + "': expected a string, found " + found(value));
        }
        return value.textValue();
    }

    private static String found(JsonNode value) {
        return value.isMissingNode() ? "nothing" : value.toString();
    }
}
