package io.gemma4j.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class BatchCommandTest {
    private static final String MODEL = "src/main/resources/io/gemma4j/examples/tiny.gguf";
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String STORY = "Can you tell a story about a wolf named Eric?";

    @TempDir
    private Path folder;
    private int maxTokens = 200;

    private List<String> arguments() {
        return List.of("batch", folder.resolve("in").toString(), folder.resolve("out").toString(), "--model", MODEL, "--temperature", "0", "--threads", "1",
                "--backend", "cpu", "--cpu", "vector", "--max-tokens", Integer.toString(maxTokens));
    }

    private CliRun run() {
        return CliRun.of(arguments().toArray(String[]::new));
    }

    private List<JsonNode> answers() throws IOException {
        List<JsonNode> answers = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve("out"))) {
            answers.add(JSON.readTree(line));
        }
        return answers;
    }

    @Test
    void rowsThatBeginAlikeAreComputedOnce() throws Exception {
        String rules = "{\"messages\": [{\"role\": \"system\", \"content\": \"You answer questions about the capitals of countries, and only with one word, in "
                + "upper case.\"}, {\"role\": \"user\", \"content\": \"";
        Files.write(folder.resolve("in"), String.join("\n", rules + "What is the capital of Germany?\"}]}", "{\"prompt\": \"Hello\"}",
                rules + "What is the capital of Canada?\"}]}").getBytes(StandardCharsets.UTF_8));
        List<String> arguments = new ArrayList<>(arguments());
        arguments.addAll(List.of("--prefix-cache", "64m"));
        CliRun run = CliRun.of(arguments.toArray(String[]::new));
        assertEquals(0, run.exitCode(), run.err());
        assertTrue(answers().get(2).get("usage").get("cached_tokens").asInt() > 20, answers().get(2).toString());
        for (String wrong : List.of("64X", "", "-1", "G", "99999999999G")) {
            arguments.set(arguments.size() - 1, wrong);
            CliRun refused = CliRun.of(arguments.toArray(String[]::new));
            assertEquals(2, refused.exitCode());
            assertTrue(refused.err().contains("must be a number of bytes such as 512M or 8G, was " + wrong), refused.err());
        }
    }

    @Test
    void filesAreLookedAtBeforeTheModelIs() throws Exception {
        Path in = Files.writeString(folder.resolve("in"), "{\"prompt\": \"x\"}\n");
        Path missing = folder.resolve("missing");
        for (Path[] wrong : new Path[][] {{missing, folder.resolve("out")}, {in, missing.resolve("out")}, {in, in}, {in, folder}}) {
            CliRun refused = CliRun.of("batch", "--model", folder.resolve("no-model").toString(), wrong[0].toString(), wrong[1].toString());
            assertEquals(1, refused.exitCode(), refused.err());
            assertTrue(refused.err().contains(wrong[0] == missing ? missing.toString() : wrong[1].toString()), refused.err());
            assertFalse(refused.err().contains("no-model"), refused.err());
        }
    }

    @Test
    void eachRowIsAnsweredAndWhatIsWrongWithOneIsItsAnswer() throws Exception {
        Files.write(folder.resolve("in"), String.join("\n",
                "{\"id\": \"q1\", \"prompt\": \"What is the capital of Germany?\"}",
                "{\"prompt\": 7}",
                "",
                "nonsense",
                "\u00ff",
                "{\"id\": {\"n\": 5}, \"messages\": [{\"role\": \"system\", \"content\": \"Answer in upper case.\"}, {\"role\": \"user\", \"content\": \"What is the "
                        + "capital of Canada?\"}]}",
                "{\"messages\": [{\"role\": \"user\", \"content\": \"88 - 41 = ?\"}], \"enable_thinking\": true}",
                "{\"messages\": [{\"role\": \"user\", \"content\": \"What is the weather in Oslo?\"}], \"tools\": [{\"type\": \"function\", \"function\": {\"name\": "
                        + "\"get_weather\", \"description\": \"Current weather for a city\", \"parameters\": {\"type\": \"object\", \"properties\": {\"city\": "
                        + "{\"type\": \"string\", \"description\": \"City name\"}}, \"required\": [\"city\"]}}}]}",
                "{\"prompt\": \"" + "word ".repeat(5000) + "\"}",
                "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image\"}]}]}").getBytes(StandardCharsets.ISO_8859_1));
        CliRun run = run();
        assertEquals(new CliRun(0, "", "gemma4: 9 rows, of which 0 had an answer; errors: 5\n"), run);
        List<JsonNode> answers = answers();
        assertEquals(9, answers.size());
        assertEquals("q1", answers.get(0).get("id").asText());
        assertTrue(answers.get(0).get("text").asText().contains("Berlin"));
        assertEquals("STOP", answers.get(0).get("finish_reason").asText());
        assertTrue(answers.get(0).get("usage").get("prompt_tokens").asInt() > 0);
        assertEquals("line 2: expected key 'prompt' with a string or key 'messages' with an array, found neither", answers.get(1).get("error").asText());
        assertTrue(answers.get(2).get("error").asText().startsWith("line 4: expected a JSON object"));
        assertEquals("line 5: expected UTF-8 text, found other bytes", answers.get(3).get("error").asText());
        assertEquals(5, answers.get(4).get("id").get("n").asInt());
        assertTrue(answers.get(4).get("text").asText().contains("OTTAWA"));
        assertTrue(answers.get(5).get("text").asText().contains("47"));
        assertFalse(answers.get(5).get("thinking").asText().isBlank());
        assertEquals("{\"city\":\"Oslo\"}", answers.get(6).get("tool_calls").get(0).get("function").get("arguments").asText());
        assertTrue(answers.get(7).get("error").asText().contains("4096"), answers.get(7).toString());
        assertTrue(answers.get(8).get("error").asText().contains("text only"));
    }

    @Test
    void aPromptBringsItsToolsAndThinkingAndNoMessages() throws Exception {
        Files.writeString(folder.resolve("in"), "{\"prompt\": \"What is 3 + 44?\", \"enable_thinking\": true}\n"
                + "{\"prompt\": \"x\", \"tools\": 5}\n{\"prompt\": \"x\", \"messages\": []}\n{\"messages\": []}\n");
        assertEquals("gemma4: 4 rows, of which 0 had an answer; errors: 3\n", run().err());
        List<JsonNode> answers = answers();
        assertFalse(answers.get(0).get("thinking").asText().isBlank());
        assertEquals("line 2: key 'tools': expected an array, found 5", answers.get(1).get("error").asText());
        assertTrue(answers.get(2).get("error").asText().endsWith("found both"), answers.get(2).toString());
        assertEquals("line 4: key 'messages': expected a message, found none", answers.get(3).get("error").asText());
    }

    private void writeRows(int count) throws IOException {
        maxTokens = 40; // long enough for a process to be killed within a row
        StringBuilder rows = new StringBuilder();
        for (int i = 0; i < count; i++) {
            rows.append("{\"id\": ").append(i).append(", \"prompt\": \"").append(STORY).append("\"}\n");
        }
        Files.writeString(folder.resolve("in"), rows.toString());
    }

    private Process start() throws IOException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--add-modules",
                "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"), Gemma4Cli.class.getName()));
        command.addAll(arguments());
        return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(folder.resolve("log").toFile()).start();
    }

    private void awaitAnswers(Process process, int count) throws Exception {
        while (!Files.exists(folder.resolve("out")) || Files.readAllLines(folder.resolve("out")).size() < count) {
            assertTrue(process.isAlive(), Files.readString(folder.resolve("log")));
            Thread.sleep(5);
        }
    }

    private void assertEachRowOnce(int rows) throws Exception {
        List<JsonNode> answers = answers();
        assertEquals(rows, answers.size());
        for (int i = 0; i < rows; i++) {
            assertEquals(i, answers.get(i).get("id").asInt());
            assertEquals(answers.getFirst().get("text"), answers.get(i).get("text"));
        }
    }

    @Test
    void aRunThatIsKilledTwiceLosesAndRepeatsNoRow() throws Exception {
        int rows = 40;
        writeRows(rows);
        for (int answers : new int[] {3, 8}) {
            Process process = start();
            awaitAnswers(process, answers);
            process.destroyForcibly().waitFor();
            assertTrue(Files.readAllLines(folder.resolve("out")).size() < rows, "killed too late to show anything");
        }
        byte[] whole = Files.readAllBytes(folder.resolve("out"));
        Files.write(folder.resolve("out"), Arrays.copyOf(whole, whole.length - 7)); // and the last line torn
        CliRun run = run();
        assertEquals(0, run.exitCode(), run.err());
        assertTrue(run.err().matches("gemma4: 40 rows, of which ([7-9]|\\d\\d) had an answer; errors: 0\n"), run.err());
        assertEachRowOnce(rows);
    }

    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "no SIGINT")
    void controlCLeavesWholeAnswers() throws Exception {
        Interrupt.assumeItArrives();
        writeRows(40);
        Process process = start();
        awaitAnswers(process, 2);
        Interrupt.send(process);
        assertEquals(130, process.waitFor(), Files.readString(folder.resolve("log")));
        assertTrue(Files.readString(folder.resolve("out")).endsWith("}\n"));
        assertTrue(answers().size() < 40);
    }
}
