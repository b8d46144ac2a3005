package io.gemma4j.examples.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Spark in this JVM, on the small model that comes with the examples. */
class SparkBatchTest {
    private static final String MODEL = "../src/main/resources/io/gemma4j/examples/tiny.gguf";
    private static final Map<String, String> CAPITALS = Map.of("Germany", "Berlin", "Canada", "Ottawa", "Norway", "Oslo", "France", "Paris", "Italy", "Rome");
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path folder;

    @BeforeAll
    static void configure() {
        Map.of("spark.master", "local[2]", "spark.ui.enabled", "false", "spark.sql.shuffle.partitions", "3", "spark.driver.host", "localhost",
                "spark.driver.bindAddress", "127.0.0.1").forEach(System::setProperty);
    }

    @AfterAll
    static void forget() {
        System.getProperties().keySet().removeIf(key -> key.toString().startsWith("spark."));
    }

    private void run(String rows) throws Exception {
        Path in = Files.writeString(folder.resolve("in.jsonl"), rows);
        assertEquals(0, SparkBatch.run(in.toString(), folder.resolve("out").toString(), "--model", MODEL, "--temperature", "0", "--max-tokens", "60",
                "--partitions", "3"));
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
    void anExecutorHasOneModel() throws Exception {
        assertSame(ExecutorModel.of(MODEL), ExecutorModel.of(MODEL));
        assertThrows(IllegalStateException.class, () -> ExecutorModel.of("other.gguf"));
    }
}
