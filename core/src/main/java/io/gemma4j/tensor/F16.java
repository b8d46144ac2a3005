package io.gemma4j.tensor;

import static io.gemma4j.tensor.LittleEndian.f16;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/** IEEE 754 binary16, one element per block of 2 bytes. */
final class F16 extends BlockByBlock {
    F16() {
        super(GgmlType.F16);
    }

    @Override
    void decodeBlock(MemorySegment bytes, long block, float[] out, int at) {
        out[at] = f16(bytes, block);
    }
}
