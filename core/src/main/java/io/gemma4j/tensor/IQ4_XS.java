package io.gemma4j.tensor;

import static io.gemma4j.tensor.LittleEndian.f16;
import static io.gemma4j.tensor.LittleEndian.u16;
import static io.gemma4j.tensor.LittleEndian.u8;
import static io.gemma4j.tensor.Nibbles.ofBlock32;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/**
 * 256 elements in 136 bytes: f16 d, a 6-bit scale per 32 elements, its upper bits in a u16 and its nibbles in 4 bytes, 128 bytes of
 * nibbles q; the value is {@code d * (scale - 32) * VALUES[q]} with the levels of IQ4_NL.
 */
public final class IQ4_XS extends BlockByBlock {
    IQ4_XS() {
        super(GgmlType.IQ4_XS);
    }

    @Override
    void decodeBlock(MemorySegment bytes, long block, float[] out, int at) {
        float d = f16(bytes, block);
        for (int group = 0; group < 8; group++) {
            float scale = d * (scale(bytes, block + 2, group) - 32);
            for (int e = 0; e < 32; e++) {
                out[at + 32 * group + e] = scale * IQ4_NL.level(ofBlock32(bytes, block + 8 + 16 * group, e));
            }
        }
    }

    /** Scale {@code group}, 0 to 63: bit pairs of a u16 above nibbles of the 4 bytes behind it. */
    public static int scale(MemorySegment bytes, long packed, int group) {
        int upper = u16(bytes, packed) >>> 2 * group & 3;
        int lower = u8(bytes, packed + 2 + group / 2) >>> 4 * (group % 2) & 15;
        return lower | upper << 4;
    }
}
