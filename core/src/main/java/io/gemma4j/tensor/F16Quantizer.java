package io.gemma4j.tensor;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/** IEEE 754 binary16, rounded to the nearest, ties to even. */
final class F16Quantizer extends BlockByBlockQuantizer {
    F16Quantizer() {
        super(GgmlType.F16);
    }

    @Override
    void encodeBlock(float[] values, int at, MemorySegment bytes, long block) {
        LittleEndian.putF16(bytes, block, values[at]);
    }
}
