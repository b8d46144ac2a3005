package io.gemma4j.quantize;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Backend;
import io.gemma4j.CpuKernels;
import io.gemma4j.Fixture;
import io.gemma4j.Gemma4;
import io.gemma4j.ModelFormatException;
import io.gemma4j.Session;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.gguf.GgufTensor;
import io.gemma4j.gguf.GgufValueType;
import io.gemma4j.gguf.GgufWriter;
import io.gemma4j.tensor.BlockFormats;
import io.gemma4j.tensor.BlockQuantizers;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Whole files, made from the fixtures' models with every matrix in floats again. */
class QuantizationTest {
    @TempDir
    Path folder;

    /** The fixture with its quantized tensors in another type. */
    private Path unquantized(String fixture, GgmlType type) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            GgufFile file = GgufFile.open(Fixture.bundled(fixture).model(), arena);
            GgufWriter writer = new GgufWriter().putAll(file.metadata());
            for (GgufTensor tensor : file.tensors()) {
                boolean quantized = tensor.type().blockElements() > 1;
                writer.tensor(tensor.name(), quantized ? type : tensor.type(), dimensions(tensor), quantized ? floats(tensor, type) : tensor.bytes());
            }
            return writer.write(folder.resolve(fixture + "-" + type + ".gguf")).getFirst();
        }
    }

    private static long[] dimensions(GgufTensor tensor) {
        return tensor.dimensions().stream().mapToLong(Long::longValue).toArray();
    }

    private static float[] values(GgufTensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.elements())];
        BlockFormats.of(tensor.type()).orElseThrow().dequantize(tensor.bytes(), 0, values, 0, values.length);
        return values;
    }

    private static MemorySegment floats(GgufTensor tensor, GgmlType type) {
        float[] values = values(tensor);
        MemorySegment bytes = MemorySegment.ofArray(new byte[(int) type.rowBytes(values.length)]);
        BlockQuantizers.of(type).orElseThrow().quantize(values, 0, bytes, 0, values.length);
        return bytes;
    }

    private static List<float[]> logits(Path model, Fixture fixture) throws IOException {
        List<float[]> rows = new ArrayList<>();
        try (Gemma4 loaded = Gemma4.load(model, o -> o.backend(Backend.CPU).cpuKernels(CpuKernels.SCALAR).threads(2).contextTokens(256));
                Session session = loaded.newSession()) {
            session.feed(fixture.prompts().getLast().ids(), after -> rows.add(after.toArray()));
        }
        return rows;
    }

    /** Bounds a little above what random weights lose, which are harder than trained ones. */
    @ParameterizedTest
    @CsvSource({"dense-mini-Q4_K_M, F32, Q8_0, 0.05", "dense-mini-Q4_K_M, F16, Q4_0, 0.7", "dense-mini-Q4_K_M, BF16, Q4_K_M, 0.3",
        "dense-mini-Q4_K_M, F32, F16, 0.004", "elastic-mini-Q8_0, F16, Q8_0, 0.05", "moe-mini-Q4_K_M, F32, Q8_0, 0.1"})
    void logitsStayNear(String name, GgmlType from, TypeMix mix, double bound) throws IOException {
        Fixture fixture = Fixture.bundled(name);
        Path input = unquantized(name, from);
        Path output = folder.resolve("out.gguf");
        Quantization.of(input, mix).threads(3).write(output);
        List<float[]> expected = logits(input, fixture);
        List<float[]> actual = logits(output, fixture);
        List<Double> errors = new ArrayList<>();
        for (int row = 0; row < expected.size(); row++) {
            errors.add(Fixture.relativeL2(actual.get(row), expected.get(row)));
        }
        // The median: a router may exchange two experts of nearly the same weight, which changes a row at random.
        double median = errors.stream().sorted().toList().get(errors.size() / 2);
        assertTrue(median <= bound, () -> "median relative L2 " + median);
    }

    @ParameterizedTest
    @EnumSource(TypeMix.class)
    void tensorsAreWhatTheirQuantizersMakeOfThemAndTheRestIsCopied(TypeMix mix) throws IOException {
        Path input = unquantized("moe-mini-Q4_K_M", GgmlType.F32);
        Path output = folder.resolve("out.gguf");
        Quantization.Result result = Quantization.of(input, mix).threads(3).write(output);
        try (Arena arena = Arena.ofConfined()) {
            GgufFile before = GgufFile.open(input, arena);
            GgufFile after = GgufFile.open(output, arena);
            assertEquals(before.tensors().stream().map(GgufTensor::name).toList(), after.tensors().stream().map(GgufTensor::name).toList());
            for (GgufTensor tensor : after.tensors()) {
                GgufTensor source = before.tensor(tensor.name()).orElseThrow();
                assertEquals(source.dimensions(), tensor.dimensions());
                MemorySegment expected = tensor.type() == source.type() ? source.bytes() : floats(source, tensor.type());
                assertEquals(-1, expected.mismatch(tensor.bytes()), tensor.toString());
            }
            assertEquals(before.bytes(), result.inputBytes());
            assertEquals(after.bytes(), result.outputBytes());
            assertEquals(after.tensors().size(), result.tensors().values().stream().mapToInt(Integer::intValue).sum());
            assertEquals(0, result.requantized());
        }
    }

    @Test
    void metadataIsKeptInItsTypesButForWhatNamesTheFormats() throws IOException {
        Path input = unquantized("dense-mini-Q4_K_M", GgmlType.F16);
        Path output = folder.resolve("out.gguf");
        Quantization.of(input, TypeMix.Q4_0).write(output);
        try (Arena arena = Arena.ofConfined()) {
            var before = GgufFile.open(input, arena).metadata();
            var after = GgufFile.open(output, arena).metadata();
            for (String key : before.keys()) {
                if (!key.equals("general.file_type") && !key.equals("general.quantization_version")) {
                    assertEquals(before.asMap().get(key), after.asMap().get(key), key);
                    // Unsigned integers are read as the next wider class, so another class would be another type.
                    assertEquals(before.asMap().get(key).getClass(), after.asMap().get(key).getClass(), key);
                }
            }
            assertEquals(2, after.integer("general.file_type"));
            assertEquals(2, after.integer("general.quantization_version"));
            assertEquals(Long.class, after.asMap().get("general.file_type").getClass(), "u32, which others insist on");
        }
    }

    @Test
    void theNumberOfThreadsMakesNoDifference() throws IOException {
        Path input = unquantized("dense-mini-Q4_K_M", GgmlType.F16);
        Path one = folder.resolve("one.gguf");
        Path many = folder.resolve("many.gguf");
        Quantization.of(input, TypeMix.Q4_K_M).threads(1).write(one);
        Quantization.of(input, TypeMix.Q4_K_M).threads(5).write(many);
        assertEquals(-1, Files.mismatch(one, many));
    }

    @Test
    void aQuantizedInputIsConvertedAndCounted() throws IOException {
        Path input = Fixture.bundled("dense-mini-Q4_K_M").model();
        Path output = folder.resolve("out.gguf");
        Quantization.Result result = Quantization.of(input, TypeMix.Q8_0).write(output);
        assertTrue(result.requantized() > 10, "" + result.requantized());
        Fixture fixture = Fixture.bundled("dense-mini-Q4_K_M");
        double error = Fixture.relativeL2(logits(output, fixture).getLast(), logits(input, fixture).getLast());
        assertTrue(error < 0.05, "relative L2 " + error);
    }

    @Test
    void aSplitInputBecomesOneFile() throws IOException {
        Path whole = unquantized("dense-mini-Q4_K_M", GgmlType.F16);
        List<Path> parts;
        try (Arena arena = Arena.ofConfined()) {
            GgufFile file = GgufFile.open(whole, arena);
            GgufWriter writer = new GgufWriter().putAll(file.metadata()).maxFileBytes(2 << 20);
            file.tensors().forEach(tensor -> writer.tensor(tensor.name(), tensor.type(), dimensions(tensor), tensor.bytes()));
            parts = writer.write(folder.resolve("split.gguf"));
        }
        assertTrue(parts.size() > 1);
        Path fromWhole = folder.resolve("a.gguf");
        Path fromParts = folder.resolve("b.gguf");
        Quantization.of(whole, TypeMix.Q8_0).write(fromWhole);
        Quantization.of(parts.get(1), TypeMix.Q8_0).write(fromParts);
        assertEquals(-1, Files.mismatch(fromWhole, fromParts));
        IllegalArgumentException e =
                assertThrows(IllegalArgumentException.class, () -> Quantization.of(parts.get(1), TypeMix.Q8_0).write(parts.getFirst()));
        assertTrue(e.getMessage().contains(parts.getFirst().toString()), e.getMessage());
    }

    @Test
    void theInputIsNeverOverwritten() throws IOException {
        Path input = unquantized("dense-mini-Q4_K_M", GgmlType.F16);
        byte[] before = Files.readAllBytes(input);
        Path link = Files.createSymbolicLink(folder.resolve("link.gguf"), input);
        for (Path output : List.of(input, link, input.resolveSibling(".").resolve(input.getFileName()))) {
            assertThrows(IllegalArgumentException.class, () -> Quantization.of(input, TypeMix.Q8_0).write(output));
        }
        assertArrayEquals(before, Files.readAllBytes(input));
    }

    @Test
    void progressRisesToAllWeightsAndCanEndTheWork() throws IOException {
        Path input = unquantized("dense-mini-Q4_K_M", GgmlType.F32);
        Path output = folder.resolve("out.gguf");
        List<Long> reports = new ArrayList<>();
        Quantization quantization = Quantization.of(input, TypeMix.Q4_0).threads(2);
        quantization.progress((stage, done, total) -> {
            reports.add(done);
            assertTrue(done <= total);
            return true;
        }).write(output);
        assertTrue(reports.size() > 20);
        assertEquals(reports.stream().sorted().toList(), reports);
        byte[] complete = Files.readAllBytes(output);
        assertThrows(CancellationException.class, () -> quantization.progress((stage, done, total) -> done < total / 2).write(output));
        assertArrayEquals(complete, Files.readAllBytes(output));
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(2, files.count(), "no temporary file is left");
        }
    }

    @ParameterizedTest
    @CsvSource({"NaN, Q8_0", "Infinity, Q4_K_M", "-Infinity, F16", "1e6, Q4_0"})
    void whatNoTypeCanTakeIsRefusedByTensorAndElement(float bad, TypeMix mix) throws IOException {
        float[] values = new float[256 * 600];
        Random random = new Random(1);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        values[100_003] = bad;
        Path input = folder.resolve("in.gguf");
        new GgufWriter().put("general.architecture", "gemma4")
                .tensor("blk.0.ffn_up.weight", GgmlType.F32, new long[] {256, 600}, floats(values)).write(input);
        ModelFormatException e = assertThrows(ModelFormatException.class,
                () -> Quantization.of(input, mix).threads(2).write(folder.resolve("out.gguf")));
        for (String part : List.of(input.toString(), "'blk.0.ffn_up.weight'", "element 100003", String.valueOf(bad))) {
            assertTrue(e.getMessage().contains(part), e.getMessage());
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(List.of(input), files.toList());
        }
    }

    private static MemorySegment floats(float[] values) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[values.length * Float.BYTES]);
        MemorySegment.copy(values, 0, bytes, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, values.length);
        return bytes;
    }

    @Test
    void filesOfOtherArchitecturesOrTypesAndMissingOnesAreRefused() throws IOException {
        Path other = folder.resolve("other.gguf");
        new GgufWriter().put("general.architecture", "llama").write(other);
        ModelFormatException architecture =
                assertThrows(ModelFormatException.class, () -> Quantization.of(other, TypeMix.Q8_0).write(folder.resolve("out.gguf")));
        assertTrue(architecture.getMessage().contains("'llama'"), architecture.getMessage());
        Path unreadable = folder.resolve("unreadable.gguf");
        new GgufWriter().put("general.architecture", GgufValueType.STRING, "gemma4")
                .tensor("blk.0.attn_q.weight", GgmlType.IQ2_S, new long[] {256, 1}, MemorySegment.ofArray(new byte[82])).write(unreadable);
        ModelFormatException type =
                assertThrows(ModelFormatException.class, () -> Quantization.of(unreadable, TypeMix.Q8_0).write(folder.resolve("out.gguf")));
        assertTrue(type.getMessage().contains("'blk.0.attn_q.weight'") && type.getMessage().contains("IQ2_S"), type.getMessage());
        assertThrows(NoSuchFileException.class, () -> Quantization.of(folder.resolve("none.gguf"), TypeMix.Q8_0).write(folder.resolve("out.gguf")));
        assertThrows(IllegalArgumentException.class, () -> Quantization.of(other, TypeMix.Q8_0).threads(0));
    }
}
