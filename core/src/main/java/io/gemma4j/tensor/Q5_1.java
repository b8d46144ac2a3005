package io.gemma4j.tensor;

import static io.gemma4j.tensor.LittleEndian.f16;
import static io.gemma4j.tensor.Nibbles.withFifthBit;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/** 32 elements in 24 bytes: f16 d, f16 m, 32 fifth bits, 16 bytes of nibbles; with the 5-bit q the value is {@code d * q + m}. */
final class Q5_1 extends BlockByBlock {
    Q5_1() {
        super(GgmlType.Q5_1);
    }

    @Override
    void decodeBlock(MemorySegment bytes, long block, float[] out, int at) {
        float d = f16(bytes, block);
        float m = f16(bytes, block + 2);
        for (int e = 0; e < 32; e++) {
            out[at + e] = d * withFifthBit(bytes, block + 4, block + 8, e) + m;
        }
    }
}
