package io.gemma4j.tensor;

import static io.gemma4j.tensor.LittleEndian.f16;
import static io.gemma4j.tensor.Nibbles.ofBlock32;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/** 32 elements in 20 bytes: f16 d, f16 m, 16 bytes of nibbles q; the value is {@code d * q + m}. */
final class Q4_1 extends BlockByBlock {
    Q4_1() {
        super(GgmlType.Q4_1);
    }

    @Override
    void decodeBlock(MemorySegment bytes, long block, float[] out, int at) {
        float d = f16(bytes, block);
        float m = f16(bytes, block + 2);
        for (int e = 0; e < 32; e++) {
            out[at + e] = d * ofBlock32(bytes, block + 4, e) + m;
        }
    }
}
