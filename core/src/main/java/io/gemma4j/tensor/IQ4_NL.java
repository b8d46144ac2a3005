package io.gemma4j.tensor;

import static io.gemma4j.tensor.LittleEndian.f16;
import static io.gemma4j.tensor.Nibbles.ofBlock32;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/** 32 elements in 18 bytes: f16 d, 16 bytes of nibbles q; the value is {@code d * VALUES[q]}, levels denser around zero. */
public final class IQ4_NL extends BlockByBlock {
    /** The sixteen levels. */
    private static final byte[] VALUES = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

    IQ4_NL() {
        super(GgmlType.IQ4_NL);
    }

    @Override
    void decodeBlock(MemorySegment bytes, long block, float[] out, int at) {
        float d = f16(bytes, block);
        for (int e = 0; e < 32; e++) {
            out[at + e] = d * level(ofBlock32(bytes, block + 2, e));
        }
    }

    /** Level {@code q}, 0 to 15; IQ4_XS has the same levels. */
    public static int level(int q) {
        return VALUES[q];
    }
}
