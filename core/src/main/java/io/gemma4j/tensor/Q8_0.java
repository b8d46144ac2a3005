package io.gemma4j.tensor;

import static io.gemma4j.tensor.LittleEndian.f16;
import static io.gemma4j.tensor.LittleEndian.i8;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/** 32 elements in 34 bytes: f16 d, 32 signed bytes q; the value is {@code d * q}. */
final class Q8_0 extends BlockByBlock {
    Q8_0() {
        super(GgmlType.Q8_0);
    }

    @Override
    void decodeBlock(MemorySegment bytes, long block, float[] out, int at) {
        float d = f16(bytes, block);
        for (int e = 0; e < 32; e++) {
            out[at + e] = d * i8(bytes, block + 2 + e);
        }
    }
}
