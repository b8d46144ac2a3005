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
        float d = Binary16.nearest(fit.scale());
        float m = storedOffset(fit, values, at, d);
        float inverse = Binary16.inverse(d);
        int[] quants = new int[ELEMENTS];
        for (int e = 0; e < ELEMENTS; e++) {
            quants[e] = fit.nearest(values[at + e], m, inverse);
        }
        LittleEndian.putF16(bytes, block, d);
        LittleEndian.putF16(bytes, block + 2, m);
        if (type() == GgmlType.Q4_1) {
            Nibbles.putBlock32(quants, bytes, block + 4);
        } else {
            Nibbles.putWithFifthBit(quants, bytes, block + 4, block + 8);
        }
    }

    /** The binary16 number nearest to the offset that is best beside the stored scale. */
    private float storedOffset(OffsetFit fit, float[] values, int at, float d) {
        float inverse = Binary16.inverse(d);
        double sum = 0;
        for (int e = 0; e < ELEMENTS; e++) {
            sum += values[at + e] - d * fit.nearest(values[at + e], fit.offset(), inverse);
        }
        return Binary16.nearest((float) (sum / ELEMENTS));
    }
}
