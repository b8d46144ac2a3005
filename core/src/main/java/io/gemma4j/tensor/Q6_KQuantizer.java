package io.gemma4j.tensor;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/** Writes the blocks of 256 with a signed 8-bit scale for each group of 16. */
final class Q6_KQuantizer extends BlockByBlockQuantizer {
    private static final int GROUPS = 16;
    private static final int GROUP_ELEMENTS = 16;
    private static final int TURNS = 3;
    private static final ScaleFit FIT = new ScaleFit(32, 31, 27, 0.5f, 12);

    Q6_KQuantizer() {
        super(GgmlType.Q6_K);
    }

    @Override
    void encodeBlock(float[] values, int at, MemorySegment bytes, long block) {
        int[] scales = new int[GROUPS];
        float d = firstScales(values, at, scales);
        double error = chooseScales(values, at, d, scales);
        for (int turn = 0; turn < TURNS; turn++) {
            int[] tried = scales.clone();
            float triedD = refitted(values, at, d, scales);
            double triedError = chooseScales(values, at, triedD, tried);
            if (triedError >= error) {
                break;
            }
            error = triedError;
            d = triedD;
            scales = tried;
        }
        write(values, at, d, scales, bytes, block);
    }

    /** Each group has the scale that is best for it alone; the greatest of the block becomes -128, or a little less. Returns d. */
    private static float firstScales(float[] values, int at, int[] scales) {
        float[] exact = new float[GROUPS];
        float greatest = 0;
        for (int group = 0; group < GROUPS; group++) {
            exact[group] = FIT.scale(values, at + GROUP_ELEMENTS * group, GROUP_ELEMENTS);
            greatest = Math.abs(exact[group]) > Math.abs(greatest) ? exact[group] : greatest;
        }
        float d = Binary16.outward(-greatest / 128);
        for (int group = 0; group < GROUPS; group++) {
            scales[group] = Math.clamp(Math.round(exact[group] * Binary16.inverse(d)), -128, 127);
        }
        return d;
    }

    /** Takes for every group the best of the scales around the one it has; returns the sum of squared errors. */
    private static double chooseScales(float[] values, int at, float d, int[] scales) {
        double error = 0;
        for (int group = 0; group < GROUPS; group++) {
            int scale = scales[group];
            double least = Double.MAX_VALUE;
            for (int s = Math.max(-128, scale - 2); s <= Math.min(127, scale + 2); s++) {
                double tried = FIT.error(values, at + GROUP_ELEMENTS * group, GROUP_ELEMENTS, d * s);
                if (tried < least) {
                    least = tried;
                    scales[group] = s;
                }
            }
            error += least;
        }
        return error;
    }

    /** The d that is best for these scales and the {@code q} that follow from them. */
    private static float refitted(float[] values, int at, float d, int[] scales) {
        double products = 0;
        double squares = 0;
        for (int e = 0; e < GROUPS * GROUP_ELEMENTS; e++) {
            int scale = scales[e / GROUP_ELEMENTS];
            double units = scale * FIT.nearest(values[at + e], Binary16.inverse(d * scale));
            products += values[at + e] * units;
            squares += units * units;
        }
        return squares == 0 ? d : Binary16.nearest((float) (products / squares));
    }

    private static void write(float[] values, int at, float d, int[] scales, MemorySegment bytes, long block) {
        int[] quants = new int[GROUPS * GROUP_ELEMENTS];
        for (int e = 0; e < quants.length; e++) {
            quants[e] = FIT.nearest(values[at + e], Binary16.inverse(d * scales[e / GROUP_ELEMENTS])) + 32;
        }
        for (int half = 0; half < 2; half++) {
            // Quarters of 32: the first two in the low nibbles of 64 bytes, the others in the high ones, the upper bits of all in 32 bytes.
            int first = 128 * half;
            Nibbles.putPairs(quants, first, first + 64, bytes, block + 64 * half, 64);
            for (int l = 0; l < 32; l++) {
                int upper = quants[first + l] >>> 4 | quants[first + 32 + l] >>> 4 << 2 | quants[first + 64 + l] >>> 4 << 4
                        | quants[first + 96 + l] >>> 4 << 6;
                LittleEndian.putU8(bytes, block + 128 + 32 * half + l, upper);
            }
        }
        for (int group = 0; group < GROUPS; group++) {
            LittleEndian.putU8(bytes, block + 192 + group, scales[group]);
        }
        LittleEndian.putF16(bytes, block + 208, d);
    }
}
