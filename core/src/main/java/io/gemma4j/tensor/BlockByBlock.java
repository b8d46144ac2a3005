package io.gemma4j.tensor;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/** Walks over the blocks of a run of elements; a format says only what one block means. Stateless and thread-safe. */
abstract class BlockByBlock implements BlockFormat {
    private final GgmlType type;

    BlockByBlock(GgmlType type) {
        this.type = type;
    }

    /** Decodes the block at {@code block} to {@code out[at]} and what follows. */
    abstract void decodeBlock(MemorySegment bytes, long block, float[] out, int at);

    @Override
    public final GgmlType type() {
        return type;
    }

    @Override
    public final void dequantize(MemorySegment bytes, long byteOffset, float[] out, int outOffset, int elements) {
        long end = byteOffset + type.rowBytes(elements);
        int at = outOffset;
        for (long block = byteOffset; block < end; block += type.blockBytes()) {
            decodeBlock(bytes, block, out, at);
            at += type.blockElements();
        }
    }
}
