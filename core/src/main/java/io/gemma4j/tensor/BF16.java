package io.gemma4j.tensor;

import static io.gemma4j.tensor.LittleEndian.bf16;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/** bfloat16, one element per block of 2 bytes. */
final class BF16 extends BlockByBlock {
    BF16() {
        super(GgmlType.BF16);
    }

    @Override
    void decodeBlock(MemorySegment bytes, long block, float[] out, int at) {
        out[at] = bf16(bytes, block);
    }
}
