package io.gemma4j.examples.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LogitsCommandTest {
    @TempDir
    private Path folder;

    private CliRun logits(String ids, String... more) throws Exception {
        return logits(CliRun.DENSE, ids, more);
    }

    private CliRun logits(String model, String ids, String[] more) throws Exception {
        Path file = Files.writeString(folder.resolve("ids"), ids);
        Stream<String> args = Stream.of("logits", "--model", model, "--ids-file", file.toString(), "--out", out().toString(),
                "--threads", "2");
        return CliRun.of(Stream.concat(args, Stream.of(more)).toArray(String[]::new));
    }

    private Path out() {
        return folder.resolve("out.f32");
    }

    private void assertNothingWritten() throws Exception {
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals("ids", files.map(file -> file.getFileName().toString()).collect(Collectors.joining(" ")));
        }
    }

    @ParameterizedTest
    @CsvSource({"dense-mini-Q4_K_M, scalar, 512", "dense-mini-Q4_K_M, vector, 7", "elastic-mini-Q8_0, vector, 512", "moe-mini-Q4_K_M, vector, 1"})
    void everyRowIsThatOfTheReference(String fixture, String kernels, String chunk) throws Exception {
        JsonNode golden = new ObjectMapper().readTree(CliRun.FIXTURES.resolve(fixture + ".golden.json").toFile());
        FloatBuffer expected = floats(CliRun.FIXTURES.resolve(fixture + ".golden.f32"));
        String lines = StreamSupport.stream(golden.get("prompts").spliterator(), false)
                .map(prompt -> StreamSupport.stream(prompt.get("ids").spliterator(), false).map(JsonNode::asText).collect(Collectors.joining(" ")))
                .collect(Collectors.joining(" \n\n  ", "\n", "")); // blank lines, and spaces around
        CliRun run = logits(CliRun.FIXTURES.resolve(fixture + ".gguf").toString(), lines,
                new String[] {"--cpu", kernels, "--kv", "f32", "--chunk", chunk});
        assertEquals(new CliRun(0, "", ""), run);

        FloatBuffer actual = floats(out());
        int vocabulary = golden.get("vocab").asInt();
        int firstRow = 0;
        for (JsonNode prompt : golden.get("prompts")) {
            for (JsonNode position : prompt.get("positions")) {
                float[] row = new float[vocabulary];
                actual.get((firstRow + position.asInt()) * vocabulary, row);
                double difference = 0;
                double norm = 0;
                for (float value : row) {
                    float reference = expected.get();
                    difference += Math.pow((double) value - reference, 2);
                    norm += Math.pow(reference, 2);
                }
                assertTrue(Math.sqrt(difference / norm) <= 1e-4, "row " + (firstRow + position.asInt()));
            }
            firstRow += prompt.get("ids").size();
        }
        assertEquals(firstRow * vocabulary, actual.limit(), "one row for each token of each prompt");
    }

    /** In 32-bit floats; the default rounds activations in steps of one token. */
    @Test
    void theSizeOfTheStepsMakesNoDifference() throws Exception {
        assertEquals(0, logits("2 654 278 776 384", "--cpu", "vector", "--chunk", "1").exitCode());
        float[] oneByOne = values();
        assertEquals(5 * 1024, oneByOne.length);
        assertEquals(0, logits("2 654 278 776 384", "--cpu", "vector", "--chunk", "5").exitCode());
        assertArrayEquals(oneByOne, values(), 1e-3f);
    }

    private float[] values() throws Exception {
        float[] values = new float[(int) (Files.size(out()) / Float.BYTES)];
        floats(out()).get(values);
        return values;
    }

    private static FloatBuffer floats(Path file) throws Exception {
        return ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    }

    @ParameterizedTest
    @CsvSource({"'2 5\n\n2 x 7', line 3, 'x'", "'2 1024', line 1, 1024", "'2\n-1', line 2, -1", "'2 99999999999', line 1, 99999999999",
        "'  \n\n', none, line"})
    void aBadIdIsNamedWithItsLineAndNothingIsWritten(String ids, String line, String id) throws Exception {
        CliRun run = logits(ids);
        assertEquals(1, run.exitCode());
        assertTrue(run.err().contains(line) && run.err().contains(id), run.err());
        assertEquals(1, run.err().lines().count(), run.err());
        assertNothingWritten();
    }

    @Test
    void aPromptLongerThanTheContextIsNamedAndNothingIsWritten() throws Exception {
        CliRun run = logits("2 3\n2 3 4 5 6", "--context", "4");
        assertEquals(1, run.exitCode());
        assertTrue(run.err().contains("line 2") && run.err().contains("found 5") && run.err().contains("--context"), run.err());
        assertNothingWritten();
    }

    @Test
    void anOlderFileIsReplacedBySuccessAndKeptByFailure() throws Exception {
        byte[] older = {1, 2, 3};
        Files.write(out(), older);
        assertEquals(1, logits("2 3 4000").exitCode());
        assertArrayEquals(older, Files.readAllBytes(out()));
        assertEquals(0, logits("2 3").exitCode());
        assertEquals(2 * 1024 * Float.BYTES, Files.size(out()));
    }

    @Test
    void whatIsReadIsNotWrittenOver() throws Exception {
        String ids = Files.writeString(folder.resolve("ids"), "2 5").toString();
        String model = Files.copy(Path.of(CliRun.DENSE), folder.resolve("model.gguf")).toString();
        for (String out : List.of(ids, model)) {
            CliRun run = CliRun.of("logits", "--model", model, "--ids-file", ids, "--out", out);
            assertEquals(new CliRun(1, "", "gemma4: " + out + ": is what is read, expected another file to write to\n"), run);
        }
        assertEquals("2 5", Files.readString(folder.resolve("ids")));
        assertEquals(-1, Files.mismatch(Path.of(CliRun.DENSE), Path.of(model)));
    }

    @Test
    void aFileThatCannotBeWrittenIsNamed() throws Exception {
        Path ids = Files.writeString(folder.resolve("ids"), "2");
        for (Path out : new Path[] {folder, folder.resolve("missing").resolve("out")}) {
            CliRun run = CliRun.of("logits", "--model", CliRun.DENSE, "--ids-file", ids.toString(), "--out", out.toString());
            assertEquals(1, run.exitCode());
            assertTrue(run.err().contains(out.toString()), run.err());
        }
        assertNothingWritten();
    }
}
