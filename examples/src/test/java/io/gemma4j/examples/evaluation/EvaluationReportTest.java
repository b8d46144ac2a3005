package io.gemma4j.examples.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import org.junit.jupiter.api.Test;

class EvaluationReportTest {

    private static Evaluation.Result result(String skill, boolean passed) {
        return new Evaluation.Result(new EvaluationCase(skill, "<bos>p", 4, Match.of("exact").orElseThrow(), "a\n\"b\""), passed ? "a" : "x\ny", true, passed);
    }

    private static final EvaluationReport REPORT = new EvaluationReport(
            List.of(result("second", true), result("first", false), result("second", true), result("first", true), result("second", false)));

    @Test
    void skillsComeInTheOrderOfTheirFirstCase() {
        assertEquals(List.of("skill    cases  passed  percent", "second       3       2     66.7", "first        2       1     50.0",
                "all          5       3     60.0"), REPORT.table().lines().toList());
    }

    @Test
    void aSkillIsBelowIfLessThanTheShareHasPassed() {
        assertEquals(List.of(), REPORT.skillsBelow(50));
        assertEquals(List.of("first"), REPORT.skillsBelow(50.1));
        assertEquals(List.of("second", "first"), REPORT.skillsBelow(100));
    }

    @Test
    void failuresAreOnALineEachAndOnlyThose() {
        String failures = REPORT.failures();
        assertEquals(8, failures.lines().count());
        assertTrue(failures.contains("expected  exact \"a\\n\\\"b\\\"\"") && failures.contains("found     \"x\\ny\""), failures);
    }

    @Test
    void theJsonObjectHoldsAllResults() throws Exception {
        JsonNode json = new ObjectMapper().readTree(REPORT.json("m.gguf"));
        assertEquals("m.gguf", json.get("model").asText());
        assertEquals(60.0, json.get("percent").asDouble());
        assertEquals(5, json.get("results").size());
        assertTrue(json.get("results").get(0).get("passed").asBoolean());
    }
}
