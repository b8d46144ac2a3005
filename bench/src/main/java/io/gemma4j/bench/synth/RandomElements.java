package io.gemma4j.bench.synth;

import io.gemma4j.gguf.GgmlType;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;

/**
 * Random elements in the block formats of GGUF. Scales vary from block to block by a quarter, quants are uniform, and the mean is zero, because
 * a mean would add up over a row. Little-endian buffers. Not thread-safe.
 */
public final class RandomElements {
    // Root mean square of each format's elements when its scale is one.
    private static final double SCALE_SPREAD = Math.sqrt(1 + 0.25 * 0.25 / 3);
    private static final double UNIT_Q4_0 = Math.sqrt(255 / 12.0 + 0.25) * SCALE_SPREAD;
    private static final double UNIT_Q5_0 = Math.sqrt(1023 / 12.0 + 0.25) * SCALE_SPREAD;
    private static final double UNIT_Q8_0 = Math.sqrt(65_535 / 12.0 + 0.25) * SCALE_SPREAD;
    private static final double UNIT_Q4_K = Math.sqrt(255 / 12.0) * Math.sqrt(47.5 * 47.5 + 1023 / 12.0) * SCALE_SPREAD;
    private static final double UNIT_Q6_K = Math.sqrt(4095 / 12.0 + 0.25) * Math.sqrt(65_535 / 12.0 + 0.25) * SCALE_SPREAD;
    private static final double FROZEN = 1e30;

    private final SplittableRandom random;

    /** Creates a source; the same seed gives the same elements. */
    public RandomElements(long seed) {
        this.random = new SplittableRandom(seed);
    }

    /**
     * Fills what remains of a buffer with whole blocks.
     *
     * @param firstElement place of the first one in the tensor
     */
    public void fill(GgmlType type, Distribution values, long firstElement, ByteBuffer out) {
        if (values instanceof Distribution.Symmetric symmetric) {
            symmetric(type, symmetric.deviation(), out);
            return;
        }
        if (type != GgmlType.F32) {
            throw new IllegalArgumentException("type of " + values + ": expected F32, found " + type);
        }
        for (long element = firstElement; out.hasRemaining(); element++) {
            out.putFloat((float) switch (values) {
                case Distribution.Around around -> around.mean() * spread(0.2);
                case Distribution.EitherSign either -> either.mean() * spread(0.2) * sign();
                case Distribution.RopeFactors rope -> element < rope.rotatingPairs() ? 1 : FROZEN;
                case Distribution.Symmetric symmetric -> throw new IllegalStateException(symmetric + " is handled above");
            });
        }
    }

    private void symmetric(GgmlType type, double deviation, ByteBuffer out) {
        double bound = Math.sqrt(3) * deviation;
        switch (type) {
            case F32 -> {
                while (out.hasRemaining()) {
                    out.putFloat((float) (bound * (2 * random.nextDouble() - 1)));
                }
            }
            case F16 -> halves(bound, out, true);
            case BF16 -> halves(bound, out, false);
            case Q4_0 -> signedScales(type, deviation / UNIT_Q4_0, out);
            case Q5_0 -> signedScales(type, deviation / UNIT_Q5_0, out);
            case Q8_0 -> signedScales(type, deviation / UNIT_Q8_0, out);
            case Q4_K -> q4k(deviation / UNIT_Q4_K, out);
            case Q6_K -> q6k(deviation / UNIT_Q6_K, out);
            default -> throw new IllegalArgumentException("type: expected one that a recipe names, found " + type);
        }
    }

    private void halves(double bound, ByteBuffer out, boolean ieee) {
        float unit = (float) (bound / 32_768);
        while (out.hasRemaining()) {
            long bits = random.nextLong();
            for (int i = 0; i < 4 && out.hasRemaining(); i++, bits >>>= 16) {
                float value = (short) bits * unit;
                out.putShort(ieee ? Float.floatToFloat16(value) : (short) (Float.floatToRawIntBits(value) >>> 16));
            }
        }
    }

    /** Formats that begin with one scale; its random sign makes up for quants reaching one further below zero than above. */
    private void signedScales(GgmlType type, double scale, ByteBuffer out) {
        int start = out.position();
        bits(out);
        for (int block = start; block < out.limit(); block += type.blockBytes()) {
            out.putShort(block, half(scale * spread(0.25) * sign()));
        }
    }

    private void q4k(double scale, ByteBuffer out) {
        int start = out.position();
        bits(out);
        for (int block = start; block < out.limit(); block += GgmlType.Q4_K.blockBytes()) {
            double d = scale * spread(0.25);
            out.putShort(block, half(d));
            // With the minimum at 7.5 steps, quants 0 to 15 have a mean of zero.
            out.putShort(block + 2, half(7.5 * d));
            long random8 = random.nextLong();
            for (int group = 0; group < 4; group++) {
                int low = 32 | (int) (random8 >>> 5 * group) & 31;
                int high = 32 | (int) (random8 >>> 5 * (group + 4)) & 31;
                byte both = (byte) (low | high >> 4 << 6);
                out.put(block + 4 + group, both);
                out.put(block + 8 + group, both);
                out.put(block + 12 + group, (byte) (high & 15 | (high & 15) << 4));
            }
        }
    }

    private void q6k(double scale, ByteBuffer out) {
        int start = out.position();
        bits(out);
        for (int block = start; block < out.limit(); block += GgmlType.Q6_K.blockBytes()) {
            out.putShort(block + 208, half(scale * spread(0.25)));
        }
    }

    private void bits(ByteBuffer out) {
        while (out.remaining() >= Long.BYTES) {
            out.putLong(random.nextLong());
        }
        for (long bits = random.nextLong(); out.hasRemaining(); bits >>>= Byte.SIZE) {
            out.put((byte) bits);
        }
    }

    private double spread(double share) {
        return 1 + share * (2 * random.nextDouble() - 1);
    }

    private int sign() {
        return random.nextBoolean() ? 1 : -1;
    }

    private static short half(double value) {
        return Float.floatToFloat16((float) value);
    }
}
