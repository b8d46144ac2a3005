package io.gemma4j.tensor;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/** Writes the blocks of 32 that have a scale and nothing else: Q4_0, Q5_0 and Q8_0. */
final class ScaledBlockQuantizer extends BlockByBlockQuantizer {
    private static final int ELEMENTS = 32;

    private final int levels;
    private final ScaleFit fit;

    ScaledBlockQuantizer(GgmlType type) {
        super(type);
        this.levels = switch (type) {
            case Q4_0 -> 8;
            case Q5_0 -> 16;
            case Q8_0 -> 127;
            default -> throw new IllegalArgumentException(type.toString());
        };
        this.fit = switch (type) {
            case Q4_0 -> new ScaleFit(8, 7, 7, 0.3f, 10);
            case Q5_0 -> new ScaleFit(16, 15, 13, 0.4f, 13);
            // -128 is left out: code that takes magnitudes as signed bytes cannot have it.
            default -> new ScaleFit(127, 127, 108, 1, 20);
        };
    }

    @Override
    void encodeBlock(float[] values, int at, MemorySegment bytes, long block) {
        float d = storedScale(values, at);
        LittleEndian.putF16(bytes, block, d);
        float inverse = Binary16.inverse(d);
        int[] quants = new int[ELEMENTS];
        for (int e = 0; e < ELEMENTS; e++) {
            quants[e] = fit.nearest(values[at + e], inverse);
        }
        switch (type()) {
            case Q4_0 -> Nibbles.putBlock32(above(quants), bytes, block + 2);
            case Q5_0 -> Nibbles.putWithFifthBit(above(quants), bytes, block + 2, block + 6);
            default -> {
                for (int e = 0; e < ELEMENTS; e++) {
                    LittleEndian.putU8(bytes, block + 2 + e, quants[e]);
                }
            }
        }
    }

    /** The best among the binary16 numbers next to the best scale and the one for which nothing is clamped. */
    private float storedScale(float[] values, int at) {
        float nearest = Binary16.nearest(fit.scale(values, at, ELEMENTS));
        float unclamped = Binary16.nearest(Binary16.magnitude(values, at, ELEMENTS) / fit.highest());
        float best = nearest;
        double least = fit.error(values, at, ELEMENTS, nearest);
        for (float d : new float[] {Binary16.neighbor(nearest, -1), Binary16.neighbor(nearest, 1), unclamped}) {
            double error = fit.error(values, at, ELEMENTS, d);
            if (error < least) {
                least = error;
                best = d;
            }
        }
        return best;
    }

    private int[] above(int[] quants) {
        for (int e = 0; e < ELEMENTS; e++) {
            quants[e] += levels;
        }
        return quants;
    }
}
