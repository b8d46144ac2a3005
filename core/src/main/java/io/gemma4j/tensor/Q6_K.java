package io.gemma4j.tensor;

import static io.gemma4j.tensor.LittleEndian.f16;
import static io.gemma4j.tensor.LittleEndian.i8;
import static io.gemma4j.tensor.LittleEndian.u8;
import static io.gemma4j.tensor.Nibbles.high;
import static io.gemma4j.tensor.Nibbles.low;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/**
 * 256 elements in 210 bytes: 128 bytes of nibbles, 64 bytes of bit pairs, 16 signed scales, one per 16 elements, f16 d; with the 6-bit q
 * the value is {@code d * scale * (q - 32)}.
 */
final class Q6_K extends BlockByBlock {
    Q6_K() {
        super(GgmlType.Q6_K);
    }

    @Override
    void decodeBlock(MemorySegment bytes, long block, float[] out, int at) {
        float d = f16(bytes, block + 208);
        for (int group = 0; group < 16; group++) {
            float scale = d * i8(bytes, block + 192 + group);
            // Each half of the block has four quarters of 32: two in the low nibbles of 64 bytes, two in the high ones.
            int half = group / 8;
            int quarter = group % 8 / 2;
            long nibbles = block + 64 * half + 32 * (quarter % 2) + 16 * (group % 2);
            long bitPairs = block + 128 + 32 * half + 16 * (group % 2);
            for (int l = 0; l < 16; l++) {
                int b = u8(bytes, nibbles + l);
                int nibble = quarter < 2 ? low(b) : high(b);
                int upper = u8(bytes, bitPairs + l) >>> 2 * quarter & 3;
                out[at + 16 * group + l] = scale * ((nibble | upper << 4) - 32);
            }
        }
    }
}
