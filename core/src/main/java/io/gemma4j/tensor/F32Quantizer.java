package io.gemma4j.tensor;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/** IEEE 754 binary32: the numbers themselves. */
final class F32Quantizer extends BlockByBlockQuantizer {
    F32Quantizer() {
        super(GgmlType.F32, Float.MAX_VALUE);
    }

    @Override
    void encodeBlock(float[] values, int at, MemorySegment bytes, long block) {
        LittleEndian.putF32(bytes, block, values[at]);
    }
}
