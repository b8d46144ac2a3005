package io.gemma4j.backend.cpu.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.backend.cpu.kernel.Int8Kernel;
import io.gemma4j.backend.cpu.kernel.Int8Row;
import io.gemma4j.backend.cpu.kernel.RoundedProduct;
import io.gemma4j.backend.cpu.kernel.ScalarFloatKernels;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.RandomBlocks;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Assume;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

class Int8KernelVectorTest {
    /** The bound of {@link RoundedProduct} relative to the sum of the absolute products, for random weights and activations. */
    private static final double RELATIVE_BOUND = 2e-3;

    private static final int UNTOUCHED = 12345;

    @Provide
    Arbitrary<GgmlType> types() {
        return Arbitraries.of(RandomBlocks.types().stream().filter(type -> VectorInt8.of(type).isPresent()).toList());
    }

    @Provide
    Arbitrary<Integer> groupSizes() {
        return Arbitraries.of(4, 8, 16);
    }

    @Provide
    Arbitrary<Integer> superBlocks() {
        return Arbitraries.of(1, 2, 3, 5, 21, 84);
    }

    private static Int8Kernel kernel(GgmlType type) {
        return VectorInt8.of(type).orElseThrow();
    }

    private static void dots(GgmlType type, MemorySegment bytes, long offset, long rowBytes, int rows, Int8Row x, int columns, float[] out,
            int outOffset) {
        Int8Kernel kernel = kernel(type);
        kernel.arrange(x, columns);
        kernel.dots(bytes, offset, rowBytes, rows, x, columns, out, outOffset, new float[Int8Kernel.SCRATCH]);
    }

    private static int blocks(GgmlType type, int superBlocks) {
        return superBlocks * 256 / type.blockElements();
    }

    /** Groups of 32 of different size, some zero. */
    private static Int8Row activations(GgmlType type, int columns, Random random) {
        float[] x = new float[columns];
        for (int group = 0; group < columns / 32; group++) {
            float size = random.nextInt(6) == 0 ? 0 : (float) Math.pow(10, random.nextDouble(-2, 2));
            for (int i = 0; i < 32; i++) {
                x[32 * group + i] = size * random.nextFloat(-1, 1);
            }
        }
        return rounded(type, x);
    }

    private static Int8Row rounded(GgmlType type, float[] x) {
        Int8Row row = new Int8Row(x.length);
        row.quantize(x, 0, x.length, kernel(type).group(), new VectorFloatKernels());
        return row;
    }

    /** Rows of random blocks at {@code offset} of native memory that ends with them, multiplied; every row must be within its bound. */
    private static void compare(GgmlType type, byte[][] rows, int gap, int offset, Int8Row x, int columns, String context) {
        float[] out = new float[rows.length + 2];
        Arrays.fill(out, UNTOUCHED);
        long rowBytes = type.rowBytes(columns) + gap;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(offset + rows.length * rowBytes, 64);
            bytes.fill((byte) 0x7E);
            for (int row = 0; row < rows.length; row++) {
                MemorySegment.copy(rows[row], 0, bytes, ValueLayout.JAVA_BYTE, offset + row * rowBytes, rows[row].length);
            }
            dots(type, bytes, offset, rowBytes, rows.length, x, columns, out, 1);
        }
        for (int row = 0; row < rows.length; row++) {
            RoundedProduct expected = RoundedProduct.of(type, rows[row], x, kernel(type).group());
            float found = out[1 + row];
            if (Double.isFinite(expected.value())) {
                assertTrue(Math.abs(found - expected.value()) <= expected.bound(),
                        context + ", row " + row + ": " + found + " instead of " + expected + ", bound " + expected.bound());
            } else {
                assertFalse(Float.isFinite(found), context + ", row " + row + ": " + found + " from weights that are not finite");
            }
        }
        assertEquals(UNTOUCHED, out[0]);
        assertEquals(UNTOUCHED, out[1 + rows.length]);
    }

    @Property(tries = 600)
    void everyRowIsWithinTheBoundOfTheSumInDoublePrecision(
            @ForAll("types") GgmlType type,
            @ForAll("superBlocks") int superBlocks,
            @ForAll @IntRange(min = 1, max = 5) int rowCount,
            @ForAll @IntRange(max = 67) int offset,
            @ForAll boolean gap,
            @ForAll long seed) {
        Random random = new Random(seed);
        byte[][] rows = new byte[rowCount][];
        Arrays.setAll(rows, row -> RandomBlocks.moderate(type, blocks(type, superBlocks), random));
        Int8Row x = activations(type, 256 * superBlocks, random);
        compare(type, rows, gap ? 13 : 0, offset, x, 256 * superBlocks, type + " of " + superBlocks + " super-blocks, seed " + seed);
    }

    @Property(tries = 200)
    void rowsMayEndWithinARun(@ForAll("types") GgmlType type, @ForAll @IntRange(min = 1, max = 27) int blocks, @ForAll long seed) {
        int columns = blocks * type.blockElements();
        Assume.that(kernel(type).takes(columns));
        Random random = new Random(seed);
        byte[][] rows = {RandomBlocks.moderate(type, blocks, random), RandomBlocks.moderate(type, blocks, random)};
        compare(type, rows, 0, 2, activations(type, columns, random), columns, type + " of " + blocks + " blocks, seed " + seed);
    }

    @Property(tries = 600)
    void extremeScalesAreExactOrShow(
            @ForAll("types") GgmlType type, @ForAll @IntRange(min = 1, max = 3) int superBlocks, @ForAll long seed) {
        Random random = new Random(seed);
        byte[][] rows = {RandomBlocks.arbitrary(type, blocks(type, superBlocks), random), RandomBlocks.arbitrary(type, blocks(type, superBlocks), random)};
        compare(type, rows, 0, 1, activations(type, 256 * superBlocks, random), 256 * superBlocks, type + ", seed " + seed);
    }

    @Property(tries = 40)
    void theGreatestSumsOfPackedProductsDoNotOverflow(@ForAll("types") GgmlType type, @ForAll long seed) {
        Random random = new Random(seed);
        for (byte quants : new byte[] {-1, 0, Byte.MAX_VALUE, Byte.MIN_VALUE}) {
            for (int sign : new int[] {1, -1}) {
                byte[] row = RandomBlocks.moderate(type, blocks(type, 1), random);
                byte[] scales = row.clone();
                Arrays.fill(row, quants);
                // every byte but the half precision scales
                RandomBlocks.copyScales(type, scales, row);
                float[] x = new float[256];
                Arrays.fill(x, sign * random.nextFloat(0.1f, 10));
                compare(type, new byte[][] {row}, 0, 3, rounded(type, x), 256, type + ", quants " + quants + ", seed " + seed);
            }
        }
    }

    @Property(tries = 120)
    void oneElementMeetsItsOwnWeightOnly(@ForAll("types") GgmlType type, @ForAll @IntRange(max = 511) int element, @ForAll long seed) {
        Random random = new Random(seed);
        float[] x = new float[512];
        x[element] = random.nextFloat(0.5f, 2) * (random.nextBoolean() ? 1 : -1);
        byte[][] rows = {RandomBlocks.moderate(type, blocks(type, 2), random)};
        compare(type, rows, 0, 5, rounded(type, x), 512, type + ", element " + element + ", seed " + seed);
    }

    @Property(tries = 60)
    void theBoundIsSmallAgainstTheSumOfTheAbsoluteProducts(@ForAll("types") GgmlType type, @ForAll("superBlocks") int superBlocks, @ForAll long seed) {
        Random random = new Random(seed);
        float[] x = new float[256 * superBlocks];
        for (int i = 0; i < x.length; i++) {
            x[i] = random.nextFloat(-1, 1);
        }
        RoundedProduct product = RoundedProduct.of(type, RandomBlocks.moderate(type, blocks(type, superBlocks), random), rounded(type, x),
                kernel(type).group());
        assertTrue(product.bound() <= RELATIVE_BOUND * product.weightMagnitude(), () -> type + ": " + product);
    }

    @Property(tries = 40)
    void activationsThatAreNotFiniteShow(@ForAll("types") GgmlType type, @ForAll @IntRange(max = 255) int element, @ForAll long seed) {
        byte[] row = RandomBlocks.moderate(type, blocks(type, 1), new Random(seed));
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            float[] x = new float[256];
            x[element] = bad;
            float[] out = new float[1];
            try (Arena arena = Arena.ofConfined()) {
                dots(type, arena.allocateFrom(ValueLayout.JAVA_BYTE, row), 0, row.length, 1, rounded(type, x), 256, out, 0);
            }
            assertFalse(Float.isFinite(out[0]), () -> type + ": " + out[0] + " from " + bad + ", seed " + seed);
        }
    }

    @Property(tries = 100)
    void vectorAndScalarRoundingAgree(@ForAll("groupSizes") int group, @ForAll @IntRange(min = 1, max = 64) int groups, @ForAll long seed) {
        Random random = new Random(seed);
        float[] x = new float[32 * groups + 3];
        for (int i = 0; i < x.length; i++) {
            // multiples of a half, so that ties occur
            x[i] = random.nextBoolean() ? random.nextInt(-254, 255) / 2f : random.nextFloat(-127, 127);
        }
        Int8Row vector = new Int8Row(32 * groups);
        vector.quantize(x, 3, 32 * groups, group, new VectorFloatKernels());
        Int8Row scalar = new Int8Row(32 * groups);
        scalar.quantize(x, 3, 32 * groups, group, new ScalarFloatKernels());
        assertArrayEquals(scalar.quants(), vector.quants());
        assertArrayEquals(Arrays.copyOf(scalar.sums(), 32 * groups / group), Arrays.copyOf(vector.sums(), 32 * groups / group));
        assertArrayEquals(Arrays.copyOf(scalar.scales(), 32 * groups / group), Arrays.copyOf(vector.scales(), 32 * groups / group));
    }

    @Property(tries = 10)
    void bytesBeyondTheSegmentAreRefused(@ForAll("types") GgmlType type) {
        Int8Row x = activations(type, 512, new Random(1));
        long rowBytes = type.rowBytes(512);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment three = arena.allocate(3 * rowBytes);
            float[] out = new float[4];
            dots(type, three, 0, rowBytes, 3, x, 512, out, 0);
            assertRefused(IndexOutOfBoundsException.class, type, three, 0, rowBytes, 4, x, 512, out);
            assertRefused(IndexOutOfBoundsException.class, type, three, 1, rowBytes, 3, x, 512, out);
            assertRefused(IndexOutOfBoundsException.class, type, three, -1, rowBytes, 1, x, 512, out);
            assertRefused(IndexOutOfBoundsException.class, type, three, 3 * rowBytes, rowBytes, 1, x, 512, out);
            assertRefused(IndexOutOfBoundsException.class, type, three.asSlice(0, rowBytes - 1), 0, rowBytes, 1, x, 512, out);
            assertRefused(IndexOutOfBoundsException.class, type, three, 0, rowBytes, -1, x, 512, out);
            // rows that overlap would end later than their number says
            assertRefused(IllegalArgumentException.class, type, three, 0, rowBytes - 1, 3, x, 512, out);
            assertRefused(IllegalArgumentException.class, type, three, 0, 0, 1, x, 512, out);
            assertRefused(IllegalArgumentException.class, type, three, 0, rowBytes, 1, x, 512 + 1, out);
            assertRefused(ArithmeticException.class, type, three, 0, Long.MAX_VALUE / 2, 4, x, 512, out);
        }
    }

    @Property(tries = 10)
    void activationsAndOutputsOutOfRangeAreRefused(@ForAll("types") GgmlType type) {
        Int8Row x = activations(type, 256, new Random(1));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(3 * type.rowBytes(512));
            assertRefused(IndexOutOfBoundsException.class, type, bytes, 0, type.rowBytes(512), 1, x, 512, new float[1]);
            assertRefused(IndexOutOfBoundsException.class, type, bytes, 0, type.rowBytes(256), 3, x, 256, new float[2]);
        }
    }

    @Property(tries = 10)
    void bytesWithoutAnAddressAreRefused(@ForAll("types") GgmlType type) {
        Int8Row x = activations(type, 256, new Random(1));
        long rowBytes = type.rowBytes(256);
        assertRefused(IllegalArgumentException.class, type, MemorySegment.ofArray(new byte[4096]), 0, rowBytes, 1, x, 256, new float[1]);
        Arena arena = Arena.ofShared();
        MemorySegment freed = arena.allocate(4096);
        arena.close();
        assertRefused(IllegalStateException.class, type, freed, 0, rowBytes, 1, x, 256, new float[1]);
    }

    @Property(tries = 10)
    void activationsThatAreNotLaidOutForTheKernelAreRefused(@ForAll("types") GgmlType type) {
        float[] values = new float[256];
        Int8Row x = rounded(type, values);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment row = arena.allocate(type.rowBytes(256));
            Int8Kernel kernel = kernel(type);
            Class<? extends Exception> refused = IllegalStateException.class;
            assertThrows(refused, () -> kernel.dots(row, 0, row.byteSize(), 1, x, 256, new float[1], 0, new float[Int8Kernel.SCRATCH]));
            kernel.arrange(x, 256);
            x.quantize(values, 0, 256, kernel.group(), new VectorFloatKernels());
            assertThrows(refused, () -> kernel.dots(row, 0, row.byteSize(), 1, x, 256, new float[1], 0, new float[Int8Kernel.SCRATCH]));
        }
    }

    private static void assertRefused(Class<? extends Exception> expected, GgmlType type, MemorySegment bytes, long offset, long rowBytes, int rows,
            Int8Row x, int columns, float[] out) {
        Int8Kernel kernel = kernel(type);
        kernel.arrange(x, x.columns());
        assertThrows(expected, () -> kernel.dots(bytes, offset, rowBytes, rows, x, columns, out, 0, new float[Int8Kernel.SCRATCH]));
    }

    @Example
    void theCommonTypesHaveKernels() {
        assertTrue(VectorInt8.of(GgmlType.Q4_K).isPresent());
        for (GgmlType type : new GgmlType[] {GgmlType.Q4_0, GgmlType.Q6_K, GgmlType.Q8_0}) {
            assertEquals(VectorWidth.BITS == 512, VectorInt8.of(type).isPresent(), "narrower, it is slower than the float kernel");
        }
        assertTrue(VectorInt8.of(GgmlType.F32).isEmpty(), "floats are not rounded");
    }
}
