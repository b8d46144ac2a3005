package io.gemma4j.tensor;

import static io.gemma4j.tensor.LittleEndian.u8;
import static io.gemma4j.tensor.Nibbles.ofBlock32;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;

/**
 * 32 elements in 17 bytes: an E8M0 scale byte, 16 bytes of E2M1 nibbles q; the value is {@code scale * VALUES[q]} (OCP microscaling
 * formats).
 */
public final class MXFP4 extends BlockByBlock {
    /** Twice the E2M1 values, so that all are whole; the scale is halved in turn. */
    private static final float[] VALUES = {0, 1, 2, 3, 4, 6, 8, 12, -0f, -1, -2, -3, -4, -6, -8, -12};

    MXFP4() {
        super(GgmlType.MXFP4);
    }

    @Override
    void decodeBlock(MemorySegment bytes, long block, float[] out, int at) {
        float scale = halfE8m0(u8(bytes, block));
        for (int e = 0; e < 32; e++) {
            out[at + e] = scale * value(ofBlock32(bytes, block + 1, e));
        }
    }

    /** {@code 2^(exponent - 128)}; the two least are subnormal. 255, NaN in the OCP definition, is a plain exponent in GGUF files. */
    public static float halfE8m0(int exponent) {
        return Float.intBitsToFloat(exponent < 2 ? 0x0020_0000 << exponent : exponent - 1 << 23);
    }

    /** The doubled E2M1 value {@code q}, 0 to 15. */
    public static float value(int q) {
        return VALUES[q];
    }
}
