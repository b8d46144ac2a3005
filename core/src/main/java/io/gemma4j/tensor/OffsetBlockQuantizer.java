package io.gemma4j.tensor;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/** Writes the blocks of 32 that have a scale and an offset: Q4_1 and Q5_1. */
final class OffsetBlockQuantizer extends BlockByBlockQuantizer {
    private static final int ELEMENTS = 32;

    private final int highest;

    OffsetBlockQuantizer(GgmlType type) {
        super(type);
        this.highest = switch (type) {
            case Q4_1 -> 15;
            case Q5_1 -> 31;
            default -> throw new IllegalArgumentException(type.toString());
        };
    }

    @Override
    void encodeBlock(float[] values, int at, MemorySegment bytes, long block) {
        OffsetFit fit = new OffsetFit(highest, true);
        fit.fit(values, at, ELEMENTS);
        Stored best = null;
        for (int step = -1; step <= 1; step++) {
            float m = Binary16.neighbor(Binary16.nearest(fit.offset()), step);
            float d = bestScale(fit, values, at, m);
            for (int scaleStep = -1; scaleStep <= 1; scaleStep++) {
                Stored tried = new Stored(fit, values, at, Binary16.neighbor(d, scaleStep), m);
                best = best == null || tried.error < best.error ? tried : best;
            }
        }
        LittleEndian.putF16(bytes, block, best.d);
        LittleEndian.putF16(bytes, block + 2, best.m);
        if (type() == GgmlType.Q4_1) {
            Nibbles.putBlock32(best.quants, bytes, block + 4);
        } else {
            Nibbles.putWithFifthBit(best.quants, bytes, block + 4, block + 8);
        }
    }

    /** The binary16 number nearest to the scale that is best beside {@code m}. */
    private static float bestScale(OffsetFit fit, float[] values, int at, float m) {
        float inverse = Binary16.inverse(fit.scale());
        double products = 0;
        long squares = 0;
        for (int e = 0; e < ELEMENTS; e++) {
            int q = fit.nearest(values[at + e], m, inverse);
            products += (double) (values[at + e] - m) * q;
            squares += (long) q * q;
        }
        return squares == 0 ? 0 : Binary16.nearest((float) (products / squares));
    }

    /** A block with a certain scale and offset. */
    private static final class Stored {
        final float d;
        final float m;
        final int[] quants = new int[ELEMENTS];
        final double error;

        Stored(OffsetFit fit, float[] values, int at, float d, float m) {
            this.d = d;
            this.m = m;
            float inverse = Binary16.inverse(d);
            double sum = 0;
            for (int e = 0; e < ELEMENTS; e++) {
                quants[e] = fit.nearest(values[at + e], m, inverse);
                double difference = values[at + e] - (d * quants[e] + m);
                sum += difference * difference;
            }
            error = sum;
        }
    }
}
