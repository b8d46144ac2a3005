package io.gemma4j.examples.evaluation;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Results by skill, for readers and programs.
 *
 * @param results in the order of the cases
 */
public record EvaluationReport(List<Evaluation.Result> results) {
    private static final int SHOWN_PROMPT_CHARS = 200;

    /** Copies the list. */
    public EvaluationReport {
        results = List.copyOf(results);
    }

    private record Count(int cases, int passed) {
        static final Count NONE = new Count(0, 0);

        Count plus(Evaluation.Result result) {
            return new Count(cases + 1, passed + (result.passed() ? 1 : 0));
        }

        double percent() {
            return 100.0 * passed / cases;
        }
    }

    private Map<String, Count> skills() {
        Map<String, Count> counts = new LinkedHashMap<>();
        for (Evaluation.Result result : results) {
            String skill = result.evaluationCase().skill();
            counts.put(skill, counts.getOrDefault(skill, Count.NONE).plus(result));
        }
        return counts;
    }

    private Count all() {
        Count all = Count.NONE;
        for (Evaluation.Result result : results) {
            all = all.plus(result);
        }
        return all;
    }

    /** The skills of which less than {@code percent} of the cases passed. */
    public List<String> skillsBelow(double percent) {
        return skills().entrySet().stream().filter(skill -> skill.getValue().percent() < percent).map(Map.Entry::getKey).toList();
    }

    /** A line for each skill and one for all. */
    public String table() {
        Map<String, Count> rows = new LinkedHashMap<>(skills());
        rows.put("all", all());
        int width = rows.keySet().stream().mapToInt(String::length).max().orElseThrow();
        String format = "%-" + Math.max(width, 5) + "s  %6s  %6s  %7s%n";
        return String.format(format, "skill", "cases", "passed", "percent") + rows.entrySet().stream()
                .map(row -> String.format(Locale.ROOT, format, row.getKey(), row.getValue().cases(), row.getValue().passed(), percent(row.getValue())))
                .collect(Collectors.joining());
    }

    private static String percent(Count count) {
        return String.format(Locale.ROOT, "%.1f", count.percent());
    }

    /** For each case that did not pass, the end of its prompt, what was expected and what was found. */
    public String failures() {
        return results.stream().filter(result -> !result.passed()).map(result -> {
            EvaluationCase failed = result.evaluationCase();
            String prompt = failed.prompt();
            return "%s%n  prompt    %s%n  expected  %s %s%n  found     %s%s%n".formatted(failed.skill(),
                    quoted(prompt.substring(Math.max(0, prompt.length() - SHOWN_PROMPT_CHARS))), failed.match().name(), quoted(failed.expected()),
                    quoted(result.output()), result.ended() ? "" : ", without an end");
        }).collect(Collectors.joining());
    }

    /** On one line, with line ends and quotes visible. */
    private static String quoted(String text) {
        return JsonNodeFactory.instance.textNode(text).toString();
    }

    /** All of it as one JSON object; {@code model} says what was evaluated. */
    public String json(String model) {
        ObjectNode root = JsonNodeFactory.instance.objectNode().put("model", model);
        Count all = all();
        root.put("cases", all.cases()).put("passed", all.passed()).put("percent", all.percent());
        ArrayNode skills = root.putArray("skills");
        skills().forEach((skill, count) -> skills.addObject().put("skill", skill).put("cases", count.cases()).put("passed", count.passed())
                .put("percent", count.percent()));
        ArrayNode outputs = root.putArray("results");
        for (Evaluation.Result result : results) {
            EvaluationCase asked = result.evaluationCase();
            outputs.addObject().put("skill", asked.skill()).put("prompt", asked.prompt()).put("match", asked.match().name())
                    .put("expected", asked.expected()).put("output", result.output()).put("ended", result.ended()).put("passed", result.passed());
        }
        return root.toPrettyString();
    }
}
