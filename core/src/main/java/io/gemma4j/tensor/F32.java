package io.gemma4j.tensor;

import static io.gemma4j.tensor.LittleEndian.f32;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/** IEEE 754 binary32, one element per block of 4 bytes. */
final class F32 extends BlockByBlock {
    F32() {
        super(GgmlType.F32);
    }

    @Override
    void decodeBlock(MemorySegment bytes, long block, float[] out, int at) {
        out[at] = f32(bytes, block);
    }
}
