package io.gemma4j.backend.cpu.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class Int8RowTest {
    private static final ScalarFloatKernels FLOATS = new ScalarFloatKernels();
    private static final int OFFSET = 5;
    private static final int GROUP = 16;

    /** Groups of very different size, some zero; the row is in the middle of an array full of larger numbers. */
    private static float[] random(int columns, Random random) {
        float[] x = new float[OFFSET + columns + 3];
        Arrays.fill(x, 1e38f);
        for (int group = 0; group < columns / 16; group++) {
            float size = random.nextInt(5) == 0 ? 0 : (float) Math.pow(10, random.nextDouble(-37, 36));
            for (int i = 0; i < 16; i++) {
                x[OFFSET + 16 * group + i] = size * random.nextFloat(-1, 1);
            }
        }
        return x;
    }

    private static Int8Row quantized(float[] x, int columns) {
        Int8Row row = new Int8Row(columns);
        row.quantize(x, OFFSET, columns, GROUP, FLOATS);
        return row;
    }

    private static Int8Row quantizedGroup(float... first) {
        float[] x = new float[OFFSET + 16];
        System.arraycopy(first, 0, x, OFFSET, first.length);
        return quantized(x, 16);
    }

    @Property(tries = 300)
    void everyElementIsWithinHalfAStepAndTheGreatestIsA127th(@ForAll @IntRange(min = 1, max = 700) int groups, @ForAll long seed) {
        int columns = 16 * groups;
        float[] x = random(columns, new Random(seed));
        Int8Row row = quantized(x, columns);
        int[] q = quants(row, columns);
        for (int group = 0; group < groups; group++) {
            float max = 0;
            for (int i = 0; i < 16; i++) {
                max = Math.max(max, Math.abs(x[OFFSET + 16 * group + i]));
            }
            float scale = max / 127 < Float.MIN_NORMAL ? 0 : max / 127;
            assertEquals(scale, row.scales()[group]);
            int greatest = 0;
            for (int i = 16 * group; i < 16 * group + 16; i++) {
                assertTrue(scale == 0 ? q[i] == 0 : Math.abs(q[i] - (double) x[OFFSET + i] / scale) <= 0.50003,
                        x[OFFSET + i] + " is " + q[i] + " times " + scale);
                greatest = Math.max(greatest, Math.abs(q[i]));
            }
            assertEquals(scale == 0 ? 0 : 127, greatest);
        }
    }

    @Property(tries = 300)
    void sumsAreThoseOfTheRoundedElements(@ForAll @IntRange(min = 1, max = 200) int groups, @ForAll long seed) {
        Int8Row row = quantized(random(16 * groups, new Random(seed)), 16 * groups);
        int[] q = quants(row, 16 * groups);
        for (int group = 0; group < groups; group++) {
            assertEquals(row.scales()[group] * Arrays.stream(q, 16 * group, 16 * group + 16).sum(), row.sums()[group]);
        }
    }

    private static int[] quants(Int8Row row, int columns) {
        int[] q = new int[columns];
        Arrays.setAll(q, i -> row.quants()[i]);
        return q;
    }

    @Property(tries = 100)
    void smallerGroupsHaveScalesOfTheirOwn(@ForAll @IntRange(min = 1, max = 100) int groups, @ForAll long seed) {
        float[] x = random(16 * groups, new Random(seed));
        Int8Row row = new Int8Row(16 * groups);
        row.quantize(x, OFFSET, 16 * groups, 8, FLOATS);
        for (int i = 0; i < 16 * groups; i++) {
            float scale = row.scales()[i / 8];
            assertTrue(scale == 0 ? row.quants()[i] == 0 : Math.abs(row.quants()[i] - (double) x[OFFSET + i] / scale) <= 0.50003);
        }
        for (int group = 0; group < 2 * groups; group++) {
            int sum = 0;
            for (int i = 8 * group; i < 8 * group + 8; i++) {
                sum += row.quants()[i];
            }
            assertEquals(row.scales()[group] * sum, row.sums()[group]);
        }
    }

    @Example
    void tiesAreRoundedToEven() {
        int[] q = quants(quantizedGroup(127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 126.5f, -126.5f, 125.5f), 16);
        assertArrayEquals(new int[] {127, 0, 2, 2, 0, -2, -2, 126, -126, 126}, Arrays.copyOf(q, 10));
    }

    @Example
    void theLargestFloatsKeepTheirProportion() {
        Int8Row row = quantizedGroup(Float.MAX_VALUE, -Float.MAX_VALUE, Float.MAX_VALUE / 127, 0);
        assertArrayEquals(new int[] {127, -127, 1, 0}, quants(row, 4));
        assertEquals(Float.MAX_VALUE / 127, row.scales()[0]);
    }

    @Example
    void groupsWithoutANormalScaleAreZero() {
        for (float tiny : new float[] {0, -0f, Float.MIN_VALUE, 1e-40f, -Float.MIN_NORMAL, 126 * Float.MIN_NORMAL}) {
            Int8Row row = quantizedGroup(tiny, tiny / 2);
            assertArrayEquals(new int[16], quants(row, 16), () -> "activations of " + tiny);
            assertEquals(0, row.scales()[0]);
            assertEquals(0, row.sums()[0]);
        }
        assertEquals(127, quantizedGroup(128 * Float.MIN_NORMAL).quants()[0]);
    }

    @Example
    void whatIsNotFiniteShowsInScaleAndSums() {
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            Int8Row row = quantizedGroup(1, 2, bad, 3);
            assertFalse(Float.isFinite(row.scales()[0]));
            assertFalse(Float.isFinite(row.sums()[0]));
        }
    }

    @Example
    void aRowThatIsReusedForgetsWhatItHeld() {
        Int8Row row = new Int8Row(512);
        row.quantize(random(512, new Random(1)), OFFSET, 512, GROUP, FLOATS);
        float[] second = random(256, new Random(2));
        row.quantize(second, OFFSET, 256, GROUP, FLOATS);
        Int8Row fresh = quantized(second, 256);
        assertArrayEquals(Arrays.copyOf(fresh.quants(), 256), Arrays.copyOf(row.quants(), 256));
        assertArrayEquals(Arrays.copyOf(fresh.scales(), 16), Arrays.copyOf(row.scales(), 16));
        assertArrayEquals(Arrays.copyOf(fresh.sums(), 16), Arrays.copyOf(row.sums(), 16));
    }

    @Example
    void whatIsLeftOfTheLast256IsZero() {
        Int8Row row = new Int8Row(512);
        row.quantize(random(512, new Random(1)), OFFSET, 512, GROUP, FLOATS);
        row.quantize(random(272, new Random(2)), OFFSET, 272, GROUP, FLOATS);
        for (int i = 272; i < 512; i++) {
            assertEquals(0, row.quants()[i]);
            assertEquals(0, row.scales()[i / 16]);
            assertEquals(0, row.sums()[i / 16]);
        }
    }

    @Example
    void moreThanThereIsRoomForIsRefused() {
        assertEquals(256, new Int8Row(1).columns());
        assertThrows(IndexOutOfBoundsException.class, () -> new Int8Row(256).quantize(new float[512], 0, 512, GROUP, FLOATS));
    }
}
