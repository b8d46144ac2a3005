package io.gemma4j.examples.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Spark in this JVM and in one that is killed, on the small model that comes with the examples. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "Hadoop needs programs of its own there")
class SparkBatchTest {
    private static final String MODEL = "../src/main/resources/io/gemma4j/examples/tiny.gguf";
    private static final Map<String, String> CAPITALS = Map.of("Germany", "Berlin", "Canada", "Ottawa", "Norway", "Oslo", "France", "Paris", "Italy", "Rome");
    private static final Map<String, String> LOCAL = Map.of("spark.master", "local[2]", "spark.ui.enabled", "false", "spark.sql.shuffle.partitions", "3",
            "spark.driver.host", "localhost", "spark.driver.bindAddress", "127.0.0.1");
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path folder;

    @BeforeAll
    static void configure() {
        LOCAL.forEach(System::setProperty);
    }

    @AfterAll
    static void forget() {
        System.getProperties().keySet().removeIf(key -> key.toString().startsWith("spark."));
    }

    private String[] arguments(String rows) throws IOException {
        Path in = Files.writeString(folder.resolve("in.jsonl"), rows);
        return new String[] {in.toString(), folder.resolve("out").toString(), "--model", MODEL, "--temperature", "0", "--max-tokens", "60", "--partitions", "8"};
    }

    private void run(String rows) throws Exception {
        assertEquals(0, SparkBatch.run(arguments(rows)));
    }

    /** The same in a process of its own. */
    private Process start(String rows) throws IOException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        LOCAL.forEach((key, value) -> command.add("-D" + key + "=" + value));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), SparkBatch.class.getName()));
        command.addAll(List.of(arguments(rows)));
        return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(folder.resolve("log").toFile()).start();
    }

    private static String question(String country) {
        return "{\"id\": \"" + country + "\", \"prompt\": \"What is the capital of " + country + "?\"}\n";
    }

    private Map<String, JsonNode> answers() throws IOException {
        Map<String, JsonNode> answers = new TreeMap<>();
        try (Stream<Path> parts = Files.list(folder.resolve("out"))) {
            for (Path part : parts.filter(path -> path.getFileName().toString().startsWith("part-")).toList()) {
                for (String line : Files.readAllLines(part)) {
                    JsonNode answer = JSON.readTree(line);
                    assertEquals(null, answers.put(answer.path("id").asText("broken"), answer), "answered twice");
                }
            }
        }
        return answers;
    }

    @Test
    void everyRowIsAnsweredOnceAlsoIfAnEarlierJobHasDoneSome() throws Exception {
        List<String> countries = new ArrayList<>(new TreeMap<>(CAPITALS).keySet());
        run(question(countries.get(0)) + "\n" + question(countries.get(1)) + question(countries.get(1)));
        Map<String, JsonNode> first = answers();
        assertEquals(2, first.size());
        run("nonsense\n" + String.join("", countries.stream().map(SparkBatchTest::question).toList()));
        Map<String, JsonNode> all = answers();
        assertEquals(CAPITALS.size() + 1, all.size());
        first.forEach((country, answer) -> assertEquals(answer, all.get(country), "kept as it was"));
        assertTrue(all.remove("broken").get("error").asText().startsWith("row: expected a JSON object"));
        all.forEach((country, answer) -> assertTrue(answer.get("text").asText().contains(CAPITALS.get(country)), answer.toString()));
    }

    @Test
    void whatFinishedTasksOfAKilledJobHaveLeftIsKept() throws Exception {
        int stories = 24;
        String rows = IntStream.range(0, stories)
                .mapToObj(i -> "{\"id\": \"" + i + "\", \"prompt\": \"Can you tell a story about a wolf named Eric? " + i + "\"}\n").collect(Collectors.joining());
        Process process = start(rows);
        while (!Files.exists(folder.resolve("out")) || answers().isEmpty()) {
            assertTrue(process.isAlive(), Files.readString(folder.resolve("log")));
            Thread.sleep(20);
        }
        process.destroyForcibly().waitFor();
        Map<String, JsonNode> left = answers();
        assertTrue(left.size() < stories, "killed too late to show anything");
        run(rows);
        Map<String, JsonNode> all = answers();
        assertEquals(stories, all.size());
        left.forEach((id, answer) -> assertEquals(answer, all.get(id), "kept as it was"));
    }

    @Test
    void anExecutorHasOneModel() throws Exception {
        assertSame(ExecutorModel.of(MODEL), ExecutorModel.of(MODEL));
        assertThrows(IllegalStateException.class, () -> ExecutorModel.of("other.gguf"));
    }
}
