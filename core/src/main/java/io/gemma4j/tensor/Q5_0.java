package io.gemma4j.tensor;

import static io.gemma4j.tensor.LittleEndian.f16;
import static io.gemma4j.tensor.Nibbles.withFifthBit;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/** 32 elements in 22 bytes: f16 d, 32 fifth bits, 16 bytes of nibbles; with the 5-bit q the value is {@code d * (q - 16)}. */
final class Q5_0 extends BlockByBlock {
    Q5_0() {
        super(GgmlType.Q5_0);
    }

    @Override
    void decodeBlock(MemorySegment bytes, long block, float[] out, int at) {
        float d = f16(bytes, block);
        for (int e = 0; e < 32; e++) {
            out[at + e] = d * (withFifthBit(bytes, block + 2, block + 6, e) - 16);
        }
    }
}
