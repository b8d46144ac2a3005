package io.gemma4j.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Assume;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** What is written, read back by the formula of the format, against rounding without a search and against an exhaustive search. */
class BlockQuantizerTest {
    private static final List<GgmlType> TYPES = Arrays.stream(GgmlType.values()).filter(type -> BlockQuantizers.of(type).isPresent()).toList();
    private static final List<GgmlType> BLOCK_TYPES = TYPES.stream().filter(type -> type.blockElements() > 1).toList();

    /** So many that chance evens out. */
    private static final int BLOCKS = 12;

    /** How numbers may be distributed. */
    enum Kind {
        GAUSSIAN, HEAVY_TAILED, POSITIVE, NEGATIVE, FAR_FROM_ZERO, MOSTLY_ZERO, ONE_OUTLIER, FEW_VALUES;

        float next(Random random) {
            double gaussian = random.nextGaussian();
            return (float) switch (this) {
                case GAUSSIAN -> gaussian;
                case HEAVY_TAILED -> gaussian / (0.05 + random.nextDouble());
                case POSITIVE -> Math.abs(gaussian);
                case NEGATIVE -> -Math.abs(gaussian);
                case FAR_FROM_ZERO -> 20 + gaussian;
                case MOSTLY_ZERO -> random.nextInt(8) == 0 ? gaussian : 0;
                case ONE_OUTLIER -> random.nextInt(200) == 0 ? 40 * gaussian : gaussian;
                case FEW_VALUES -> random.nextInt(-3, 4);
            };
        }
    }

    @Provide
    Arbitrary<GgmlType> types() {
        return Arbitraries.of(TYPES);
    }

    @Provide
    Arbitrary<GgmlType> blockTypes() {
        return Arbitraries.of(BLOCK_TYPES);
    }

    /** Not those with so few numbers other than 0 that some scale far from the usual ones happens to be exact. */
    @Provide
    Arbitrary<Kind> dense() {
        return Arbitraries.of(Kind.GAUSSIAN, Kind.HEAVY_TAILED, Kind.POSITIVE, Kind.NEGATIVE, Kind.FAR_FROM_ZERO, Kind.ONE_OUTLIER);
    }

    private static float[] numbers(Kind kind, int count, double scale, Random random) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) (scale * kind.next(random));
        }
        return values;
    }

    private static byte[] quantize(GgmlType type, float[] values) {
        byte[] bytes = new byte[(int) type.rowBytes(values.length)];
        BlockQuantizers.of(type).orElseThrow().quantize(values, 0, MemorySegment.ofArray(bytes), 0, values.length);
        return bytes;
    }

    private static float[] dequantize(GgmlType type, byte[] bytes) {
        float[] values = new float[bytes.length / type.blockBytes() * type.blockElements()];
        for (int i = 0; i < values.length; i++) {
            int block = i / type.blockElements() * type.blockBytes();
            values[i] = BlockTable.value(type, Arrays.copyOfRange(bytes, block, block + type.blockBytes()), i % type.blockElements());
        }
        return values;
    }

    private static double error(float[] expected, float[] actual) {
        double sum = 0;
        for (int i = 0; i < expected.length; i++) {
            sum += Math.pow((double) expected[i] - actual[i], 2);
        }
        return sum;
    }

    private static double errorOf(GgmlType type, float[] values) {
        return error(values, dequantize(type, quantize(type, values)));
    }

    @Property(tries = 1500)
    void theErrorIsNeverWorseThanThatOfRoundingByTheGreatestMagnitude(@ForAll("blockTypes") GgmlType type, @ForAll Kind kind,
            @ForAll @IntRange(min = -8, max = 8) int exponent, @ForAll long seed) {
        Random random = new Random(seed);
        double found = 0;
        double plain = 0;
        for (int block = 0; block < BLOCKS; block++) {
            float[] values = numbers(kind, type.blockElements(), Math.pow(2, exponent), random);
            double foundHere = errorOf(type, values);
            double plainHere = error(values, RoundedBlock.of(type, values));
            if (List.of(GgmlType.Q4_0, GgmlType.Q5_0, GgmlType.Q8_0).contains(type)) {
                assertTrue(foundHere <= plainHere * (1 + 1e-6), () -> type + " " + kind + " " + foundHere + " > " + plainHere);
            }
            found += foundHere;
            plain += plainHere;
        }
        // Where a scale and an offset, or two scales, are rounded to few bits, that may favour either in a single block, by chance.
        assertTrue(found <= plain * (1 + 1e-6), type + " " + kind + " " + found + " > " + plain);
    }

    @Property(tries = 20)
    void theErrorIsNearThatOfTheBestScaleOfAll(@ForAll("dense") Kind kind, @ForAll @IntRange(min = -6, max = 8) int exponent, @ForAll long seed) {
        Random random = new Random(seed);
        for (GgmlType type : List.of(GgmlType.Q4_0, GgmlType.Q5_0, GgmlType.Q8_0)) {
            int lowest = type == GgmlType.Q4_0 ? -8 : type == GgmlType.Q5_0 ? -16 : -127;
            int highest = type == GgmlType.Q8_0 ? 127 : -lowest - 1;
            double ratios = 0;
            for (int block = 0; block < BLOCKS; block++) {
                float[] values = numbers(kind, 32, Math.pow(2, exponent), random);
                double bestHere = Double.MAX_VALUE;
                for (int bits = 0; bits < 1 << 16; bits++) {
                    float d = Float.float16ToFloat((short) bits);
                    if (Float.isFinite(d)) {
                        bestHere = Math.min(bestHere, errorWithScale(values, d, lowest, highest, bestHere));
                    }
                }
                ratios += Math.sqrt(errorOf(type, values) / bestHere);
            }
            // The finer the type, the more scales there are of nearly the same error, of which the search looks at some.
            double bound = type == GgmlType.Q4_0 ? 1.05 : 1.15;
            assertTrue(ratios / BLOCKS <= bound, type + " " + kind + ": mean ratio of the errors " + ratios / BLOCKS);
        }
    }

    /** The sum for the nearest multiples of {@code d}, given up beyond {@code limit}. */
    private static double errorWithScale(float[] values, float d, int lowest, int highest, double limit) {
        double sum = 0;
        for (int i = 0; i < values.length && sum < limit; i++) {
            double q = d == 0 ? 0 : Math.clamp(Math.rint(values[i] / (double) d), lowest, highest);
            sum += Math.pow(values[i] - d * q, 2);
        }
        return sum;
    }

    @Property(tries = 20)
    void scaleAndOffsetAreNearTheBestOfAFineGrid(@ForAll("dense") Kind kind, @ForAll long seed) {
        Random random = new Random(seed);
        for (GgmlType type : List.of(GgmlType.Q4_1, GgmlType.Q5_1)) {
            int highest = type == GgmlType.Q4_1 ? 15 : 31;
            double ratios = 0;
            for (int block = 0; block < BLOCKS; block++) {
                float[] values = numbers(kind, 32, 1, random);
                ratios += Math.sqrt(errorOf(type, values) / bestOfGrid(values, highest));
            }
            assertTrue(ratios / BLOCKS <= 1.15, type + " " + kind + ": mean ratio of the errors " + ratios / BLOCKS);
        }
    }

    private static double bestOfGrid(float[] values, int highest) {
        float[] sorted = values.clone();
        Arrays.sort(sorted);
        float low = sorted[0];
        float step = (sorted[sorted.length - 1] - low) / highest;
        double best = Double.MAX_VALUE;
        for (int up = -20; up <= 120; up++) {
            for (int down = -20; down <= 120; down++) {
                double m = low + up / 40.0 * step;
                double d = (sorted[sorted.length - 1] - down / 40.0 * step - m) / highest;
                best = Math.min(best, errorWithOffset(values, d, m, highest, best));
            }
        }
        return best;
    }

    private static double errorWithOffset(float[] values, double d, double m, int highest, double limit) {
        double sum = 0;
        for (int i = 0; i < values.length && sum < limit; i++) {
            double q = d <= 0 ? 0 : Math.clamp(Math.rint((values[i] - m) / d), 0, highest);
            sum += Math.pow(values[i] - (d * q + m), 2);
        }
        return sum;
    }

    @Property(tries = 100)
    void whatBlocksOf32CanHoldIsKeptWhenQuantizedAgain(@ForAll("types") GgmlType type, @ForAll long seed) {
        Assume.that(type.blockElements() <= 32);
        Random random = new Random(seed);
        int kept = 0;
        for (int block = 0; block < BLOCKS; block++) {
            float[] held = dequantize(type, quantize(type, numbers(Kind.GAUSSIAN, type.blockElements(), 1, random)));
            kept += errorOf(type, held) <= 1e-6 * error(held, new float[held.length]) ? 1 : 0;
        }
        // Beside an offset, the ends of the range that was held may not be among those tried.
        boolean offset = type == GgmlType.Q4_1 || type == GgmlType.Q5_1;
        assertTrue(kept >= (offset ? BLOCKS - 3 : BLOCKS), type + ": " + kept + " of " + BLOCKS);
    }

    // Products of two scales leave several ways to write the same numbers, so blocks of 256 may be written another way.
    @Property(tries = 300)
    void quantizingBlocksOf256AgainAddsLessThanTheFirstTime(@ForAll("types") GgmlType type, @ForAll long seed) {
        Assume.that(type.blockElements() == 256);
        float[] values = numbers(Kind.GAUSSIAN, type.blockElements(), 1, new Random(seed));
        float[] once = dequantize(type, quantize(type, values));
        float[] twice = dequantize(type, quantize(type, once));
        assertTrue(Math.sqrt(error(once, twice)) <= 0.75 * Math.sqrt(error(values, once)), () -> type + " " + error(once, twice) + " " + error(values, once));
    }

    @Test
    void zerosStayZero() {
        for (GgmlType type : TYPES) {
            float[] values = new float[2 * type.blockElements()];
            assertArrayEquals(values, dequantize(type, quantize(type, values)), type.toString());
        }
    }

    @Property(tries = 300)
    void oneNumberThroughoutIsKeptAsExactlyAsItsScale(@ForAll("blockTypes") GgmlType type, @ForAll long seed) {
        Random random = new Random(seed);
        float value = (float) (random.nextGaussian() * Math.pow(2, random.nextInt(-8, 9)));
        float[] values = new float[type.blockElements()];
        Arrays.fill(values, value);
        // A last place of the stored scale, which for small numbers is 2^-24, times the greatest multiple of it.
        int multiple = switch (type) {
            case Q4_0, Q4_1 -> 15;
            case Q5_0, Q5_1 -> 31;
            case Q4_K -> 15 * 63;
            case Q5_K -> 31 * 63;
            case Q6_K -> 32 * 128;
            default -> 127;
        };
        for (float read : dequantize(type, quantize(type, values))) {
            assertEquals(value, read, Math.abs(value) * 0x1p-10f + multiple * 0x1p-24f, type.toString());
        }
    }

    @Property(tries = 300)
    void theLeastAndTheGreatestNumbersStayFiniteAndNear(@ForAll("blockTypes") GgmlType type, @ForAll Kind kind, @ForAll boolean huge,
            @ForAll @IntRange(min = 0, max = 40) int exponent, @ForAll long seed) {
        float[] values = numbers(kind, type.blockElements(), 1, new Random(seed));
        float greatest = 0;
        for (float value : values) {
            greatest = Math.max(greatest, Math.abs(value));
        }
        // Up to the greatest 16-bit number; down to where binary32 itself has no more bits.
        double scale = greatest == 0 ? 0 : huge ? 65504 / greatest : Math.pow(2, -110 - exponent);
        float[] scaled = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            scaled[i] = (float) Math.clamp(scale * values[i], -65504, 65504);
        }
        float[] read = dequantize(type, quantize(type, scaled));
        for (int i = 0; i < read.length; i++) {
            float bound = huge ? 65504 / 6f : 1e-6f;
            assertEquals(scaled[i], read[i], bound, type + " element " + i);
        }
    }

    @Property(tries = 300)
    void smallNumbersAreNearThoughTheirScalesHaveFewBits(@ForAll("blockTypes") GgmlType type, @ForAll Kind kind,
            @ForAll @IntRange(min = 12, max = 30) int exponent, @ForAll long seed) {
        float[] values = numbers(kind, type.blockElements(), Math.pow(2, -exponent), new Random(seed));
        double perElement = Math.sqrt(errorOf(type, values) / values.length);
        double size = Math.sqrt(error(values, new float[values.length]) / values.length);
        assertTrue(perElement <= Math.min(size, size / 4 + 0x1p-24), () -> type + ": " + perElement + " of " + size);
    }

    @Test
    void floatsAreRoundedToTheNearestAndTiesToEven() {
        // 1 + half a last place, 1 + one and a half, and the number just above the first tie; of bfloat16 the last place of 1 is 2^-7.
        float[] values = {1 + 0x1p-8f, 1 + 3 * 0x1p-8f, 1 + 0x1p-8f + 0x1p-20f, -1 - 0x1p-8f, 0x1p-140f, 0x1.FEp127f};
        assertArrayEquals(new float[] {1, 1 + 0x1p-6f, 1 + 0x1p-7f, -1, 0x1p-140f < 0x1p-134f ? 0 : 0x1p-133f, 0x1.FEp127f},
                dequantize(GgmlType.BF16, quantize(GgmlType.BF16, values)));
        float[] halves = {1 + 0x1p-11f, 1 + 3 * 0x1p-11f, -1 - 0x1p-11f - 0x1p-20f, 0x1p-25f, 65504};
        assertArrayEquals(new float[] {1, 1 + 0x1p-9f, -1 - 0x1p-10f, 0, 65504}, dequantize(GgmlType.F16, quantize(GgmlType.F16, halves)));
    }

    @Test
    void whatIsNoNumberOrTooGreatIsRefusedByPlace() {
        for (GgmlType type : TYPES) {
            BlockQuantizer quantizer = BlockQuantizers.of(type).orElseThrow();
            for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Math.nextUp(quantizer.greatest())}) {
                float[] values = new float[3 + 2 * type.blockElements()];
                int place = 3 + type.blockElements() + (type.blockElements() > 1 ? 7 : 0);
                values[place] = bad;
                assertEquals(place, quantizer.findRefused(values, 3, values.length - 3));
                MemorySegment bytes = MemorySegment.ofArray(new byte[2 * type.blockBytes()]);
                IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                        () -> quantizer.quantize(values, 3, bytes, 0, values.length - 3));
                assertTrue(e.getMessage().contains("element " + (place - 3)) && e.getMessage().contains("" + bad), e.getMessage());
            }
        }
    }

    @Property(tries = 100)
    void blocksDoNotDependOnTheirSurroundings(@ForAll("types") GgmlType type, @ForAll @IntRange(min = 1, max = 4) int blocks, @ForAll long seed) {
        Random random = new Random(seed);
        float[] values = numbers(Kind.GAUSSIAN, 5 + blocks * type.blockElements(), 1, random);
        byte[] bytes = new byte[3 + blocks * type.blockBytes() + 2];
        Arrays.fill(bytes, (byte) 77);
        BlockQuantizers.of(type).orElseThrow().quantize(values, 5, MemorySegment.ofArray(bytes), 3, blocks * type.blockElements());
        for (int block = 0; block < blocks; block++) {
            byte[] alone = quantize(type, Arrays.copyOfRange(values, 5 + block * type.blockElements(), 5 + (block + 1) * type.blockElements()));
            assertArrayEquals(alone, Arrays.copyOfRange(bytes, 3 + block * type.blockBytes(), 3 + (block + 1) * type.blockBytes()));
        }
        assertArrayEquals(new byte[] {77, 77, 77, 77, 77},
                new byte[] {bytes[0], bytes[1], bytes[2], bytes[bytes.length - 2], bytes[bytes.length - 1]});
    }

    @Test
    void partOfABlockIsRefused() {
        for (GgmlType type : BLOCK_TYPES) {
            assertThrows(IllegalArgumentException.class, () -> BlockQuantizers.of(type).orElseThrow()
                    .quantize(new float[600], 0, MemorySegment.ofArray(new byte[4096]), 0, type.blockElements() + 1));
        }
    }
}
