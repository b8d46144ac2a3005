package io.gemma4j.tensor;

import static io.gemma4j.tensor.LittleEndian.f16;
import static io.gemma4j.tensor.LittleEndian.u8;
import static io.gemma4j.tensor.Nibbles.high;
import static io.gemma4j.tensor.Nibbles.low;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/**
 * 256 elements in 110 bytes: 32 bytes of third bits, 64 bytes of 2-bit quants, 16 six-bit scales in 12 bytes, one per 16 elements, f16 d;
 * with the 3-bit q the value is {@code d * (scale - 32) * (q - 4)}.
 */
public final class Q3_K extends BlockByBlock {
    Q3_K() {
        super(GgmlType.Q3_K);
    }

    @Override
    void decodeBlock(MemorySegment bytes, long block, float[] out, int at) {
        float d = f16(bytes, block + 108);
        for (int group = 0; group < 16; group++) {
            float scale = d * (scale(bytes, block + 96, group) - 32);
            long quants = block + 32 + 32 * (group / 8) + 16 * (group % 2);
            long thirdBits = block + 16 * (group % 2);
            int shift = 2 * (group % 8 / 2);
            for (int l = 0; l < 16; l++) {
                int q = u8(bytes, quants + l) >>> shift & 3 | (u8(bytes, thirdBits + l) >>> group / 2 & 1) << 2;
                out[at + 16 * group + l] = scale * (q - 4);
            }
        }
    }

    /** Scale {@code group}, 0 to 63: four bits in the nibbles of the first 8 bytes, the upper two in the bit pairs of the last 4. */
    public static int scale(MemorySegment bytes, long packed, int group) {
        int lower = group < 8 ? low(u8(bytes, packed + group)) : high(u8(bytes, packed + group - 8));
        int upper = u8(bytes, packed + 8 + group % 4) >>> 2 * (group / 4) & 3;
        return lower | upper << 4;
    }
}
