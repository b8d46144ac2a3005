package io.gemma4j.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written is read back equal, and is, byte for byte, what the specification says. */
class GgufRoundTripTest {
    /** A pair to write and, since values are made in the class they are read as, to find. */
    record Pair(String key, List<GgufValueType> types, Object value) {}

    @Property(tries = 400, edgeCases = EdgeCasesMode.NONE)
    void randomFilesAreReadBackEqual(@ForAll("pairs") List<Pair> pairs, @ForAll @IntRange(min = 0, max = 6) int tensors, @ForAll @IntRange(min = 2, max = 3) int version,
            @ForAll @IntRange(min = 3, max = 9) int alignmentBits, @ForAll boolean streamed, @ForAll long seed) throws IOException {
        Random random = new Random(seed);
        GgufWriter writer = new GgufWriter().version(version).alignment(1 << alignmentBits);
        Map<String, Object> expected = new LinkedHashMap<>(Map.of("general.alignment", 1L << alignmentBits));
        for (Pair pair : pairs) {
            put(writer, pair);
            expected.put(pair.key(), pair.value());
        }
        List<GgufTensor> written = new ArrayList<>();
        for (int i = 0; i < tensors; i++) {
            GgufTensor tensor = randomTensor("t" + i + "é", random);
            long[] dimensions = tensor.dimensions().stream().mapToLong(Long::longValue).toArray();
            if (streamed) {
                writer.tensor(tensor.name(), tensor.type(), dimensions, channel -> channel.write(tensor.bytes().asByteBuffer()));
            } else {
                writer.tensor(tensor.name(), tensor.type(), dimensions, tensor.bytes());
            }
            written.add(tensor);
        }
        Path path = Files.createTempFile("round-trip", ".gguf");
        try (Arena arena = Arena.ofConfined()) {
            assertEquals(List.of(path), writer.write(path));
            GgufFile file = GgufFile.open(path, arena);
            assertEquals(version, file.version());
            assertEquals(Files.size(path), file.bytes());
            assertEquals(new ArrayList<>(expected.entrySet()), new ArrayList<>(file.metadata().asMap().entrySet()));
            assertEquals(written.stream().map(GgufTensor::name).toList(), file.tensors().stream().map(GgufTensor::name).toList());
            for (GgufTensor tensor : written) {
                requireEqual(tensor, file.tensor(tensor.name()).orElseThrow());
                assertEquals(0, Math.floorMod(file.tensor(tensor.name()).orElseThrow().bytes().address(), 1 << alignmentBits));
            }
        } finally {
            Files.delete(path);
        }
    }

    @Test
    void everyTensorTypeIsReadBackEqual(@TempDir Path folder) throws IOException {
        GgufWriter writer = new GgufWriter();
        Map<String, GgufTensor> written = new LinkedHashMap<>();
        Random random = new Random(5);
        for (GgmlType type : GgmlType.values()) {
            byte[] bytes = new byte[type.blockBytes() * 6];
            random.nextBytes(bytes);
            long[] dimensions = {2L * type.blockElements(), 3};
            writer.tensor(type.name(), type, dimensions, MemorySegment.ofArray(bytes));
            written.put(type.name(), new GgufTensor(type.name(), type, List.of(dimensions[0], 3L), MemorySegment.ofArray(bytes)));
        }
        writer.write(folder.resolve("types.gguf"));
        try (Arena arena = Arena.ofConfined()) {
            GgufFile file = GgufFile.open(folder.resolve("types.gguf"), arena);
            assertEquals(written.size(), file.tensors().size());
            file.tensors().forEach(tensor -> requireEqual(written.get(tensor.name()), tensor));
        }
    }

    @Test
    void theWriterProducesTheBytesOfTheSpecification(@TempDir Path folder) throws IOException {
        Path path = folder.resolve("exact.gguf");
        new GgufWriter()
                .put("u8", GgufValueType.U8, 200)
                .put("i8", (byte) -3)
                .put("u16", GgufValueType.U16, 60_000)
                .put("i16", (short) -300)
                .put("u32", GgufValueType.U32, 4_000_000_000L)
                .put("i32", -70_000)
                .put("f32", 1.5f)
                .put("bool", true)
                .put("text", "añ\u2581\uD83D\uDE00")
                .putArray("list", List.of(List.of(1L, 2L), List.of()), GgufValueType.ARRAY, GgufValueType.U16)
                .put("u64", BigInteger.TWO.pow(64).subtract(BigInteger.ONE))
                .put("i64", -5L)
                .put("f64", 0.1)
                .tensor("w", GgmlType.F32, new long[] {2, 1}, MemorySegment.ofArray(new float[] {1, -2}))
                .tensor("v", GgmlType.I8, new long[] {3}, MemorySegment.ofArray(new byte[] {7, 8, 9}))
                .write(path);

        byte[] expected = GgufBytes.head(2, 13)
                .key("u8", 0).raw((byte) 200)
                .key("i8", 1).raw((byte) -3)
                .key("u16", 2).number(60_000, 2)
                .key("i16", 3).number(-300, 2)
                .key("u32", 4).u32(4_000_000_000L)
                .key("i32", 5).u32(-70_000)
                .key("f32", 6).u32(0x3fc00000)
                .key("bool", 7).raw((byte) 1)
                .key("text", 8).text("añ\u2581\uD83D\uDE00")
                .key("list", 9).u32(9).u64(2).u32(2).u64(2).number(1, 2).number(2, 2).u32(2).u64(0)
                .key("u64", 10).u64(-1)
                .key("i64", 11).u64(-5)
                .key("f64", 12).u64(0x3fb999999999999aL)
                .tensor("w", 0, 0, 2, 1)
                .tensor("v", 24, 32, 3)
                .pad(32).u32(0x3f800000).u32(0xc0000000).pad(32)
                .raw((byte) 7, (byte) 8, (byte) 9).pad(32).toArray();
        assertArrayEquals(expected, Files.readAllBytes(path));

        GgufMetadata metadata = GgufFile.parse("exact", MemorySegment.ofArray(expected)).metadata();
        assertEquals(List.of((short) 200, (byte) -3, 60_000, (short) -300, 4_000_000_000L, -70_000, 1.5f, true, "añ\u2581\uD83D\uDE00",
                List.of(List.of(1, 2), List.of()), new BigInteger("18446744073709551615"), -5L, 0.1), new ArrayList<>(metadata.asMap().values()));
    }

    @Test
    void theExtremesOfEveryIntegerTypeAreReadBack(@TempDir Path folder) throws IOException {
        Map<GgufValueType, List<?>> extremes = Map.of(GgufValueType.U8, List.of((short) 0, (short) 255), GgufValueType.I8, List.of(Byte.MIN_VALUE, Byte.MAX_VALUE),
                GgufValueType.U16, List.of(0, 65_535), GgufValueType.I16, List.of(Short.MIN_VALUE, Short.MAX_VALUE),
                GgufValueType.U32, List.of(0L, 0xffffffffL), GgufValueType.I32, List.of(Integer.MIN_VALUE, Integer.MAX_VALUE),
                GgufValueType.U64, List.of(0L, Long.MAX_VALUE, BigInteger.ONE.shiftLeft(63), BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE)),
                GgufValueType.I64, List.of(Long.MIN_VALUE, Long.MAX_VALUE));
        GgufWriter writer = new GgufWriter();
        extremes.forEach((type, values) -> writer.putArray(type.toString(), values, type).put(type + ".last", type, values.getLast()));
        writer.write(folder.resolve("extremes.gguf"));
        try (Arena arena = Arena.ofConfined()) {
            Map<String, Object> read = GgufFile.open(folder.resolve("extremes.gguf"), arena).metadata().asMap();
            extremes.forEach((type, values) -> {
                assertEquals(values, read.get(type.toString()));
                assertEquals(values.getLast(), read.get(type + ".last"));
            });
        }
    }

    @Test
    void aTensorMayStartAnywhereInItsDataSection() {
        byte[] bytes = GgufBytes.head(2, 0).tensor("b", 24, 64, 1).tensor("a", 24, 0, 2).pad(32).raw((byte) 1, (byte) 2).pad(32).u64(0).pad(32).raw((byte) 3).toArray();
        GgufFile file = GgufFile.parse("order", MemorySegment.ofArray(bytes));
        assertEquals(List.of("b", "a"), file.tensors().stream().map(GgufTensor::name).toList());
        assertEquals(-1, file.tensor("b").orElseThrow().bytes().mismatch(MemorySegment.ofArray(new byte[] {3})));
        assertTrue(file.tensor("c").isEmpty());
    }

    @Provide
    Arbitrary<List<Pair>> pairs() {
        return Arbitraries.maps(Arbitraries.strings().withCharRange('a', 'z').withChars("._é\u2581").ofMinLength(1).ofMaxLength(12), Arbitraries.longs()).ofMaxSize(12)
                .map(seeds -> seeds.entrySet().stream().map(each -> randomPair(each.getKey(), new Random(each.getValue()))).toList());
    }

    static void put(GgufWriter writer, Pair pair) {
        if (pair.types().size() == 1) {
            writer.put(pair.key(), pair.types().getFirst(), pair.value());
        } else {
            writer.putArray(pair.key(), (List<?>) pair.value(), pair.types().subList(1, pair.types().size()).toArray(GgufValueType[]::new));
        }
    }

    /** A value of any type, arrays nested up to three deep. */
    private static Pair randomPair(String key, Random random) {
        List<GgufValueType> types = new ArrayList<>();
        GgufValueType type;
        do {
            type = GgufValueType.values()[random.nextInt(GgufValueType.values().length)];
            if (type != GgufValueType.ARRAY || types.size() < 3) {
                types.add(type);
            }
        } while (type == GgufValueType.ARRAY);
        return new Pair(key, types, randomValue(types, random));
    }

    private static Object randomValue(List<GgufValueType> types, Random random) {
        return switch (types.getFirst()) {
            case U8 -> (short) random.nextInt(256);
            case I8 -> (byte) random.nextInt();
            case U16 -> random.nextInt(65_536);
            case I16 -> (short) random.nextInt();
            case U32 -> random.nextLong() >>> 32;
            case I32 -> random.nextInt();
            case F32 -> Float.intBitsToFloat(random.nextInt());
            case F64 -> Double.longBitsToDouble(random.nextLong());
            case BOOL -> random.nextBoolean();
            case U64 -> {
                BigInteger value = new BigInteger(64, random);
                yield value.bitLength() < 64 ? (Number) value.longValue() : value;
            }
            case I64 -> random.nextLong();
            case STRING -> randomText(random);
            case ARRAY -> random.ints(random.nextInt(6), 0, 1).mapToObj(i -> randomValue(types.subList(1, types.size()), random)).toList();
        };
    }

    private static String randomText(Random random) {
        return random.ints(random.nextInt(12), 0, 0x110000).filter(c -> c < 0xD800 || c > 0xDFFF).map(c -> random.nextBoolean() ? c & 0x7F : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
    }

    static GgufTensor randomTensor(String name, Random random) {
        GgmlType type = GgmlType.values()[random.nextInt(GgmlType.values().length)];
        long[] dimensions = LongStream.generate(() -> 1 + random.nextInt(4)).limit(1 + random.nextInt(4)).toArray();
        byte[] bytes = new byte[(int) Arrays.stream(dimensions).reduce(type.blockBytes(), (a, b) -> a * b)];
        random.nextBytes(bytes);
        dimensions[0] *= type.blockElements();
        return new GgufTensor(name, type, LongStream.of(dimensions).boxed().toList(), MemorySegment.ofArray(bytes));
    }

    static void requireEqual(GgufTensor expected, GgufTensor found) {
        assertEquals(expected.name(), found.name());
        assertEquals(expected.type(), found.type());
        assertEquals(expected.dimensions(), found.dimensions());
        assertEquals(expected.bytes().byteSize(), found.bytes().byteSize());
        assertEquals(-1, expected.bytes().mismatch(found.bytes()));
    }
}
