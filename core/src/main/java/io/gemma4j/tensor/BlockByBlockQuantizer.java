package io.gemma4j.tensor;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/** Walks over the blocks of a run of elements; a quantizer says only how one block is written. Stateless and thread-safe. */
abstract class BlockByBlockQuantizer implements BlockQuantizer {
    private final GgmlType type;
    private final float greatest;

    BlockByBlockQuantizer(GgmlType type, float greatest) {
        this.type = type;
        this.greatest = greatest;
    }

    BlockByBlockQuantizer(GgmlType type) {
        this(type, Binary16.GREATEST);
    }

    /** Writes the block of {@code values[at]} and what follows; none of them is refused. */
    abstract void encodeBlock(float[] values, int at, MemorySegment bytes, long block);

    @Override
    public final GgmlType type() {
        return type;
    }

    @Override
    public final float greatest() {
        return greatest;
    }

    @Override
    public final void quantize(float[] values, int offset, MemorySegment bytes, long byteOffset, int elements) {
        long end = byteOffset + type.rowBytes(elements);
        int refused = findRefused(values, offset, elements);
        if (refused >= 0) {
            throw new IllegalArgumentException("element " + (refused - offset) + ": expected a magnitude of at most " + greatest + " for " + type
                    + ", found " + values[refused]);
        }
        int at = offset;
        for (long block = byteOffset; block < end; block += type.blockBytes()) {
            encodeBlock(values, at, bytes, block);
            at += type.blockElements();
        }
    }
}
