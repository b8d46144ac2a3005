package io.gemma4j.tensor;

import static io.gemma4j.tensor.LittleEndian.f16;
import static io.gemma4j.tensor.LittleEndian.u8;
import static io.gemma4j.tensor.Nibbles.high;
import static io.gemma4j.tensor.Nibbles.low;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/**
 * 256 elements in 176 bytes: f16 d, f16 dmin, a 6-bit scale and minimum per 32 elements, 32 bytes of fifth bits, 128 bytes of nibbles;
 * with the 5-bit q the value is {@code d * scale * q - dmin * min}.
 */
final class Q5_K extends BlockByBlock {
    Q5_K() {
        super(GgmlType.Q5_K);
    }

    @Override
    void decodeBlock(MemorySegment bytes, long block, float[] out, int at) {
        float d = f16(bytes, block);
        float dmin = f16(bytes, block + 2);
        for (int group = 0; group < 8; group++) {
            float scale = d * SixBitPairs.scale(bytes, block + 4, group);
            float min = dmin * SixBitPairs.min(bytes, block + 4, group);
            long quants = block + 48 + 32 * (group / 2);
            for (int l = 0; l < 32; l++) {
                int b = u8(bytes, quants + l);
                int nibble = group % 2 == 0 ? low(b) : high(b);
                int q = nibble | (u8(bytes, block + 16 + l) >>> group & 1) << 4;
                out[at + 32 * group + l] = scale * q - min;
            }
        }
    }
}
