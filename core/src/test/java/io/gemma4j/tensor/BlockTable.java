package io.gemma4j.tensor;

import io.gemma4j.gguf.GgmlType;

/** The value of element e of a block, one formula per storage type, written from the table of the format and from nothing else. */
final class BlockTable {
    private static final int[] T = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    private static final float[] M = {0, 1, 2, 3, 4, 6, 8, 12, -0f, -1, -2, -3, -4, -6, -8, -12};

    private BlockTable() {}

    static float value(GgmlType type, byte[] b, int e) {
        int n = e / 128;
        int j = e % 128 / 32;
        int l = e % 32;
        int g = e / 32;
        return switch (type) {
            case F32 -> Float.intBitsToFloat(word(b, 0));
            case F16 -> half(b, 0);
            case BF16 -> Float.intBitsToFloat(u(b, 0) << 16 | u(b, 1) << 24);
            case Q4_0 -> half(b, 0) * (nibble(b, 2, e) - 8);
            case Q4_1 -> half(b, 0) * nibble(b, 4, e) + half(b, 2);
            case Q5_0 -> half(b, 0) * ((nibble(b, 6, e) | (word(b, 2) >> e & 1) << 4) - 16);
            case Q5_1 -> half(b, 0) * (nibble(b, 8, e) | (word(b, 4) >> e & 1) << 4) + half(b, 2);
            case Q8_0 -> half(b, 0) * b[2 + e];
            case IQ4_NL -> half(b, 0) * T[nibble(b, 2, e)];
            case MXFP4 -> Float.intBitsToFloat(u(b, 0) >= 2 ? (u(b, 0) - 1) << 23 : 0x00200000 << u(b, 0)) * M[nibble(b, 1, e)];
            case Q2_K -> {
                int q = u(b, 16 + 32 * n + l) >> 2 * j & 3;
                int s = u(b, 8 * n + 2 * j + l / 16);
                yield half(b, 80) * (s & 15) * q - half(b, 82) * (s >> 4);
            }
            case Q3_K -> {
                int q = (u(b, 32 + 32 * n + l) >> 2 * j & 3) - ((u(b, l) >> 4 * n + j & 1) == 1 ? 0 : 4);
                int k = 8 * n + 2 * j + l / 16;
                int s = (k < 8 ? u(b, 96 + k) & 15 : u(b, 96 + k - 8) >> 4) | (u(b, 96 + 8 + k % 4) >> 2 * (k / 4) & 3) << 4;
                yield half(b, 108) * (s - 32) * q;
            }
            case Q4_K -> half(b, 0) * sc(b, g) * group(b, 16, g, l) - half(b, 2) * m(b, g);
            case Q5_K -> half(b, 0) * sc(b, g) * (group(b, 48, g, l) + 16 * (u(b, 16 + l) >> g & 1)) - half(b, 2) * m(b, g);
            case Q6_K -> {
                int packed = u(b, 64 * n + 32 * (j & 1) + l);
                int q = (j < 2 ? packed & 15 : packed >> 4) | (u(b, 128 + 32 * n + l) >> 2 * j & 3) << 4;
                yield half(b, 208) * b[192 + 8 * n + 2 * j + l / 16] * (q - 32);
            }
            case IQ4_XS -> {
                int s = (u(b, 4 + g / 2) >> 4 * (g % 2) & 15) | ((u(b, 2) | u(b, 3) << 8) >> 2 * g & 3) << 4;
                int packed = u(b, 8 + 16 * g + e % 16);
                yield half(b, 0) * (s - 32) * T[l < 16 ? packed & 15 : packed >> 4];
            }
            default -> throw new IllegalArgumentException(type.toString());
        };
    }

    private static int sc(byte[] b, int g) {
        return g < 4 ? u(b, 4 + g) & 63 : (u(b, 4 + g + 4) & 15) | (u(b, 4 + g - 4) >> 6) << 4;
    }

    private static int m(byte[] b, int g) {
        return g < 4 ? u(b, 4 + g + 4) & 63 : (u(b, 4 + g + 4) >> 4) | (u(b, 4 + g) >> 6) << 4;
    }

    private static int group(byte[] b, int quants, int g, int l) {
        int packed = u(b, quants + 32 * (g / 2) + l);
        return g % 2 == 0 ? packed & 15 : packed >> 4;
    }

    private static int nibble(byte[] b, int quants, int e) {
        return e < 16 ? u(b, quants + e) & 15 : u(b, quants + e - 16) >> 4;
    }

    private static int u(byte[] b, int at) {
        return b[at] & 0xFF;
    }

    private static int word(byte[] b, int at) {
        return u(b, at) | u(b, at + 1) << 8 | u(b, at + 2) << 16 | u(b, at + 3) << 24;
    }

    /** Binary16 by its definition: sign, exponent, fraction. */
    private static float half(byte[] b, int at) {
        int bits = u(b, at) | u(b, at + 1) << 8;
        int exponent = bits >> 10 & 31;
        int fraction = bits & 0x3FF;
        double magnitude;
        if (exponent == 31) {
            magnitude = fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN;
        } else if (exponent == 0) {
            magnitude = fraction * 0x1p-24;
        } else {
            magnitude = Math.scalb(1 + fraction / 1024.0, exponent - 15);
        }
        return (float) (bits >> 15 == 0 ? magnitude : -magnitude);
    }
}
