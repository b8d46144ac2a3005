package io.gemma4j.tensor;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/** bfloat16, rounded to the nearest, ties to even. */
final class BF16Quantizer extends BlockByBlockQuantizer {
    BF16Quantizer() {
        super(GgmlType.BF16, 0x1.FEp127f);
    }

    @Override
    void encodeBlock(float[] values, int at, MemorySegment bytes, long block) {
        int bits = Float.floatToRawIntBits(values[at]);
        // Half of the last place kept, less one where that place is even: a tie goes to the even neighbour.
        LittleEndian.putU16(bytes, block, bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
    }
}
