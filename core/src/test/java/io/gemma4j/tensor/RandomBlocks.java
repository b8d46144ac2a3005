package io.gemma4j.tensor;

import io.gemma4j.gguf.GgmlType;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Random weights in every storage type that can be computed with. */
public final class RandomBlocks {
    /** Zeros, the least and greatest subnormals, the greatest finite values, infinity and NaN, as binary16. */
    private static final int[] EXTREME_HALVES = {0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x83FF, 0x0400, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E00};

    private static final int[] EXTREME_E8M0 = {0, 1, 2, 127, 128, 253, 254, 255};

    private RandomBlocks() {}

    public static List<GgmlType> types() {
        return Arrays.stream(GgmlType.values()).filter(BlockFormats::supports).toList();
    }

    /** Blocks of random bytes, so that every bit pattern can occur; each scale is an extreme one every other time. */
    public static byte[] arbitrary(GgmlType type, int blocks, Random random) {
        byte[] bytes = new byte[blocks * type.blockBytes()];
        random.nextBytes(bytes);
        for (int block = 0; block < bytes.length; block += type.blockBytes()) {
            for (int half : halves(type)) {
                if (random.nextBoolean()) {
                    putHalf(bytes, block + half, EXTREME_HALVES[random.nextInt(EXTREME_HALVES.length)]);
                }
            }
            if (type == GgmlType.MXFP4 && random.nextBoolean()) {
                bytes[block] = (byte) EXTREME_E8M0[random.nextInt(EXTREME_E8M0.length)];
            }
        }
        return bytes;
    }

    /** As {@link #arbitrary} with scales of either sign around 1, as sums of many weights need them. */
    public static byte[] moderate(GgmlType type, int blocks, Random random) {
        byte[] bytes = new byte[blocks * type.blockBytes()];
        random.nextBytes(bytes);
        for (int block = 0; block < bytes.length; block += type.blockBytes()) {
            for (int half : halves(type)) {
                putHalf(bytes, block + half, Float.floatToFloat16(random.nextFloat(0.5f, 2f) * (random.nextBoolean() ? 1 : -1)));
            }
            switch (type) {
                case MXFP4 -> bytes[block] = (byte) random.nextInt(124, 132);
                case BF16 -> putHalf(bytes, block, Float.floatToRawIntBits(random.nextFloat(-2f, 2f)) >>> 16);
                case F32 -> {
                    int bits = Float.floatToRawIntBits(random.nextFloat(-2f, 2f));
                    putHalf(bytes, block, bits);
                    putHalf(bytes, block + 2, bits >>> 16);
                }
                default -> { }
            }
        }
        return bytes;
    }

    /** Takes the half precision scales of {@code from}'s blocks over to {@code to}'s. */
    public static void copyScales(GgmlType type, byte[] from, byte[] to) {
        for (int block = 0; block < to.length; block += type.blockBytes()) {
            for (int half : halves(type)) {
                System.arraycopy(from, block + half, to, block + half, 2);
            }
        }
    }

    private static int[] halves(GgmlType type) {
        return switch (type) {
            case F16, Q4_0, Q5_0, Q8_0, IQ4_NL, IQ4_XS -> new int[] {0};
            case Q4_1, Q5_1, Q4_K, Q5_K -> new int[] {0, 2};
            case Q2_K -> new int[] {80, 82};
            case Q3_K -> new int[] {108};
            case Q6_K -> new int[] {208};
            default -> new int[0];
        };
    }

    private static void putHalf(byte[] bytes, int at, int bits) {
        bytes[at] = (byte) bits;
        bytes[at + 1] = (byte) (bits >>> 8);
    }
}
