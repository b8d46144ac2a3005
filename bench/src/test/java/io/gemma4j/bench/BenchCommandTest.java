package io.gemma4j.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gemma4j.bench.measure.Report;
import io.gemma4j.bench.measure.Speed;
import io.gemma4j.bench.synth.Preset;
import io.gemma4j.bench.synth.SmallModels;
import io.gemma4j.quantize.TypeMix;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** The commands as they are typed. */
class BenchCommandTest {
    @TempDir
    Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int execute(Object... arguments) {
        CommandLine command = BenchCommand.commandLine();
        command.setOut(new PrintWriter(out, true));
        command.setErr(new PrintWriter(err, true));
        return command.execute(List.of(arguments).stream().map(Object::toString).toArray(String[]::new));
    }

    @ParameterizedTest
    @ValueSource(strings = {"f32", "tq4"})
    void runWritesWhatItMeasured(String kvType) throws Exception {
        Path model = SmallModels.write(Preset.E2B, 4, TypeMix.Q4_K_M, folder);
        Path json = folder.resolve("run.json");
        assertEquals(0, execute("run", "--model", model, "-p", "5,9", "-n", "3", "-d", "0,40", "-r", "2", "--warm-up", "0", "--threads", "2",
                "--kv", kvType, "--backend", "cpu", "--json", json), err.toString());
        JsonNode root = new ObjectMapper().readTree(Files.readAllBytes(json));
        assertEquals(Files.size(model), root.at("/model/bytes").asLong());
        assertEquals(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(model))),
                root.at("/model/sha256").asText());
        assertEquals("synthetic gemma-4 E2B", root.at("/name").asText());
        assertEquals(kvType, root.at("/kvType").asText());
        assertEquals(2, root.at("/threads").asInt());
        assertTrue(root.at("/readGigabytesPerSecond").asDouble() > 0);
        assertTrue(root.at("/peakHeapBytes").asLong() > 0);
        assertFalse(root.at("/machine/processor").asText().isEmpty());
        List<Speed> speeds = Report.read(json).speeds();
        assertEquals(List.of("pp5", "pp9", "tg3", "pp5 @ d40", "pp9 @ d40", "tg3 @ d40"), speeds.stream().map(Speed::test).toList());
        for (Speed speed : speeds) {
            assertEquals(2, speed.seconds().size());
            double mean = speed.seconds().stream().mapToDouble(seconds -> speed.tokens() / seconds).average().orElseThrow();
            assertEquals(mean, speed.tokensPerSecond(), 1e-6 * mean);
            if (speed.generates()) {
                assertEquals(speed.bytesPerToken() * mean / 1e9, speed.gigabytesPerSecond(), 1e-6 * speed.gigabytesPerSecond());
                assertEquals(speed.gigabytesPerSecond() / root.at("/readGigabytesPerSecond").asDouble(), speed.bandwidthFraction(),
                        1e-6 * speed.bandwidthFraction());
            } else {
                assertNull(speed.bytesPerToken());
            }
        }
        assertTrue(out.toString().contains("| gemma4j | tg3 @ d40 |"), out.toString());
    }

    @Test
    void constraintComparesTextsWithAndWithoutOne() throws Exception {
        Path model = SmallModels.write(Preset.E2B, 2, TypeMix.Q4_K_M, folder);
        Path schema = Files.writeString(folder.resolve("schema.json"), "{\"type\": \"string\"}");
        assertEquals(0, execute("constraint", "--model", model, "--schema", schema, "-n", "6", "-r", "2", "--warm-up", "0", "--backend", "cpu"), err.toString());
        for (String sampling : List.of("most likely token", "default")) {
            String number = "\\d+\\.\\d";
            String rates = "(%s \\(%s-%s\\) \\| ){3}".formatted(number, number, number);
            String row = out.toString().lines().filter(line -> line.startsWith("| " + sampling + " |")).findFirst().orElseThrow();
            assertTrue(row.matches("\\| %s \\| %s-?%s %%, -?%s %% \\| \\d+, \\d+, \\d+ \\|".formatted(sampling, rates, number, number)), row);
        }
    }

    @Test
    void plotDrawsGenerationAndPrompts() throws IOException {
        Path model = SmallModels.write(Preset.DENSE_31B, 2, TypeMix.Q8_0, folder);
        Path json = folder.resolve("run.json");
        assertEquals(0, execute("run", "--model", model, "-p", "4", "-n", "2", "-d", "0,8,16", "-r", "1", "--warm-up", "0", "--threads", "1",
                "--json", json), err.toString());
        assertEquals(0, execute("plot", "-o", folder.resolve("speed"), json), err.toString());
        for (String name : List.of("speed", "speed-prompts")) {
            String svg = Files.readString(folder.resolve(name + ".svg"));
            assertTrue(svg.contains("<svg"), name);
            assertNotNull(ImageIO.read(folder.resolve(name + ".png").toFile()), name);
        }
    }

    @Test
    void plotNamesTheFileThatIsNoResult() throws IOException {
        Path other = Files.writeString(folder.resolve("other.json"), "[1, 2]");
        assertEquals(1, execute("plot", other));
        assertTrue(err.toString().contains("other.json"), err.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"run --model x.gguf -r 0", "constraint --model x.gguf -r 0", "run --model x.gguf -p 0 -n 0", "run --model x.gguf -d -1", "run --model x.gguf --kv f17", "run",
            "synth --preset e3b x.gguf", "synth --preset e2b --layers -1 x.gguf", "peers --model x.gguf",
            "peers --model x.gguf --llama-cpp x.so --kv f32"})
    void argumentsThatMakeNoSenseAreRefused(String line) {
        assertEquals(2, execute((Object[]) line.split(" ")));
        assertFalse(Files.exists(Path.of("x.gguf")));
    }

    @Test
    void peersNamesTheLibraryThatCannotBeLoaded() throws IOException {
        Path model = SmallModels.write(Preset.E2B, 2, TypeMix.Q4_0, folder);
        Path library = Files.writeString(folder.resolve("libllama.so"), "no library");
        assertEquals(1, execute("peers", "--model", model, "--llama-cpp", library, "-p", "4", "-n", "0", "--warm-up", "0"));
        assertTrue(err.toString().contains(library + ": expected a shared library"), err.toString());
    }
}
