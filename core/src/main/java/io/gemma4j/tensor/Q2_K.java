package io.gemma4j.tensor;

import static io.gemma4j.tensor.LittleEndian.f16;
import static io.gemma4j.tensor.LittleEndian.u8;
import static io.gemma4j.tensor.Nibbles.high;
import static io.gemma4j.tensor.Nibbles.low;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/**
 * 256 elements in 84 bytes: 16 bytes of scale and minimum nibbles, one per 16 elements, 64 bytes of 2-bit q, f16 d, f16 dmin; the value is
 * {@code d * scale * q - dmin * min}.
 */
final class Q2_K extends BlockByBlock {
    Q2_K() {
        super(GgmlType.Q2_K);
    }

    @Override
    void decodeBlock(MemorySegment bytes, long block, float[] out, int at) {
        float d = f16(bytes, block + 80);
        float dmin = f16(bytes, block + 82);
        for (int group = 0; group < 16; group++) {
            int pair = u8(bytes, block + group);
            float scale = d * low(pair);
            float min = dmin * high(pair);
            // Groups of 16: eight share 32 bytes of quants, two of them each bit pair of those bytes.
            long quants = block + 16 + 32 * (group / 8) + 16 * (group % 2);
            int shift = 2 * (group % 8 / 2);
            for (int l = 0; l < 16; l++) {
                out[at + 16 * group + l] = scale * (u8(bytes, quants + l) >>> shift & 3) - min;
            }
        }
    }
}
