package io.gemma4j.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a model whose greedy answer to the beginning-of-sequence token alone is in the golden file; it never ends by itself. */
class EvaluateCommandTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private static Path folder;
    private static String file;

    private static String line(String skill, String match, String expected, int maxTokens) {
        ObjectNode object = JSON.createObjectNode().put("skill", skill).put("prompt", "<bos>Hi").put("maxTokens", maxTokens).put("match", match)
                .put("expected", expected);
        return object + "\n";
    }

    @BeforeAll
    static void write() throws Exception {
        file = Files.writeString(folder.resolve("eval.jsonl"),
                line("sixes", "contains", "6", 4) + line("other", "exact", "7", 2) + line("sixes", "contains", "x", 3)).toString();
    }

    private static CliRun eval(String... more) {
        List<String> args = new ArrayList<>(List.of("eval", "--model", CliRun.DENSE, "--file", file, "--cpu", "scalar"));
        args.addAll(List.of(more));
        return CliRun.of(args.toArray(String[]::new));
    }

    @Test
    void theTableCountsBySkillAndWhatDoesNotEndByItselfDoesNotPass() {
        CliRun run = eval();
        assertEquals(0, run.exitCode(), run.err());
        assertEquals("", run.err());
        assertEquals(List.of("skill   cases  passed  percent", "sixes       2       0      0.0", "other       1       0      0.0",
                "all         3       0      0.0"), run.out().lines().toList());
    }

    @Test
    void failuresShowWhatWasExpectedAndFound() throws Exception {
        Path json = folder.resolve("out.json");
        CliRun run = eval("--failures", "--json", json.toString(), "--skill", "sixes");
        assertEquals(0, run.exitCode(), run.err());
        assertTrue(run.out().contains("expected  contains \"6\""), run.out());
        assertTrue(run.out().contains("found     \"6666\", without an end"), run.out());
        assertTrue(run.out().contains("found     \"666\", without an end"), run.out());
        assertFalse(run.out().contains("other"), run.out());
        JsonNode report = JSON.readTree(json.toFile());
        assertEquals(2, report.get("cases").asInt());
        assertEquals("6666", report.get("results").get(0).get("output").asText());
        assertFalse(report.get("results").get(0).get("ended").asBoolean());
        assertEquals("sixes", report.get("skills").get(0).get("skill").asText());
    }

    @Test
    void aSkillBelowWhatIsRequiredIsAFailure() {
        CliRun run = eval("--require", "50");
        assertEquals(Gemma4Cli.FAILED, run.exitCode());
        assertTrue(run.err().contains("below 50.0 %: sixes, other"), run.err());
    }

    @Test
    void wrongOptionsAndFilesAreNamed() throws Exception {
        CliRun percent = eval("--require", "101");
        assertEquals(Gemma4Cli.USAGE, percent.exitCode());
        assertTrue(percent.err().contains("--require must be from 0 to 100"), percent.err());
        CliRun skill = eval("--skill", "sevens");
        assertEquals(Gemma4Cli.USAGE, skill.exitCode());
        assertTrue(skill.err().contains("other, sixes"), skill.err());
        Path broken = Files.writeString(folder.resolve("broken.jsonl"), "{}\n");
        CliRun run = CliRun.of("eval", "--model", CliRun.DENSE, "--file", broken.toString());
        assertEquals(Gemma4Cli.FAILED, run.exitCode());
        assertTrue(run.err().contains("broken.jsonl: line 1"), run.err());
    }
}
