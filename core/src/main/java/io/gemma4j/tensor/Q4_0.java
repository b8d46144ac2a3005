package io.gemma4j.tensor;

import static io.gemma4j.tensor.LittleEndian.f16;
import static io.gemma4j.tensor.Nibbles.ofBlock32;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/** 32 elements in 18 bytes: f16 d, 16 bytes of nibbles q; the value is {@code d * (q - 8)}. */
final class Q4_0 extends BlockByBlock {
    Q4_0() {
        super(GgmlType.Q4_0);
    }

    @Override
    void decodeBlock(MemorySegment bytes, long block, float[] out, int at) {
        float d = f16(bytes, block);
        for (int e = 0; e < 32; e++) {
            out[at + e] = d * (ofBlock32(bytes, block + 2, e) - 8);
        }
    }
}
