package io.gemma4j.backend.cpu.kernel;

/**
 * One row of activations rounded to 8 bits, {@code x[i] = scale[i / 32] * q[i]} with {@code scale = max|x| / 127} over each 32, in the forms
 * that {@link Int8Kernel}s multiply with. Reused from product to product; filled by one thread, then read by any.
 *
 * <p>Two products take one multiplication of 32-bit lanes: with weights {@code w0 + (w2 << 16)} and activations {@code (q0 << 16) + q2}, the upper
 * half of the product is {@code w0 q0 + w2 q2}, give or take one for the lower half. Four consecutive weights are one int, so activations are kept
 * as such pairs: {@code even} holds elements 4i and 4i + 2, {@code odd} 4i + 1 and 4i + 3. To take half the memory a pair is two bytes, q2 and
 * {@code q0 - (q2 < 0 ? 1 : 0)}: both widened to 16 bits they are the int {@code (q0 << 16) + q2}.
 */
public final class Int8Row {
    /** Elements that share a scale. */
    public static final int GROUP = 32;

    private final byte[] even;
    private final byte[] odd;
    private final byte[] evenBySixtyFour;
    private final byte[] oddBySixtyFour;
    private final float[] scales;
    private final float[] sums;
    private final float[] scalesAndSums;
    private final float[] halfScales;
    private final float[] halfSums;
    private final byte[] quantized = new byte[GROUP];

    /** Room for rows of up to {@code columns} elements. */
    public Int8Row(int columns) {
        int padded = Math.ceilDiv(columns, 256) * 256;
        even = new byte[padded / 2];
        odd = new byte[padded / 2];
        evenBySixtyFour = new byte[padded / 2];
        oddBySixtyFour = new byte[padded / 2];
        scales = new float[padded / GROUP];
        sums = new float[padded / GROUP];
        scalesAndSums = new float[padded / 16];
        halfScales = new float[padded / 16];
        halfSums = new float[padded / 16];
    }

    /** Elements there is room for. */
    public int columns() {
        return 2 * even.length;
    }

    /**
     * Rounds {@code columns} elements, a multiple of 32, to the nearest integer, ties to even. Where the scale would be subnormal, all 32 become
     * zero. NaN and infinity among them make scale and sums NaN or infinite, so that no product with them is finite.
     */
    public void quantize(float[] x, int offset, int columns, FloatKernels floats) {
        for (int group = 0; group < columns / GROUP; group++) {
            int at = offset + group * GROUP;
            float max = floats.maxMagnitude(x, at, GROUP);
            // The inverse of a subnormal scale may be infinite.
            float scale = max / 127 < Float.MIN_NORMAL ? 0 : max / 127;
            float inverse = scale == 0 ? 0 : 127 / max;
            floats.roundToBytes(x, at, inverse, quantized, GROUP);
            int firstSum = 0;
            int secondSum = 0;
            for (int i = 0; i < GROUP / 2; i++) {
                firstSum += quantized[i];
                secondSum += quantized[i + 16];
            }
            store(group, scale, firstSum, secondSum);
        }
    }

    private void store(int group, float scale, int firstSum, int secondSum) {
        int at = group * GROUP / 2;
        for (int i = 0; i < GROUP / 2; i += 2) {
            storePair(even, at + i, quantized[2 * i], quantized[2 * i + 2]);
            storePair(odd, at + i, quantized[2 * i + 1], quantized[2 * i + 3]);
        }
        // Within 128 elements: the first and third 32, then the second and fourth.
        int permuted = (group & ~3 | (group & 1) << 1 | (group & 2) >> 1) * GROUP / 2;
        System.arraycopy(even, at, evenBySixtyFour, permuted, GROUP / 2);
        System.arraycopy(odd, at, oddBySixtyFour, permuted, GROUP / 2);
        float sum = scale * (firstSum + secondSum);
        scales[group] = scale;
        sums[group] = sum;
        int pair = (group >> 3) * 16 + (group & 7);
        scalesAndSums[pair] = scale;
        scalesAndSums[pair + 8] = sum;
        halfScales[2 * group] = scale;
        halfScales[2 * group + 1] = scale;
        halfSums[2 * group] = scale * firstSum;
        halfSums[2 * group + 1] = scale * secondSum;
    }

    private static void storePair(byte[] pairs, int at, int upper, int lower) {
        pairs[at] = (byte) lower;
        pairs[at + 1] = (byte) (upper - (lower < 0 ? 1 : 0));
    }

    /** Elements 4i and 4i + 2 in pair i. */
    public byte[] even() {
        return even;
    }

    /** Elements 4i + 1 and 4i + 3 in pair i. */
    public byte[] odd() {
        return odd;
    }

    /** As {@link #even()}, the middle two groups of every four exchanged: groups 64 elements apart stand together. */
    public byte[] evenBySixtyFour() {
        return evenBySixtyFour;
    }

    /** As {@link #odd()}, the middle two groups of every four exchanged. */
    public byte[] oddBySixtyFour() {
        return oddBySixtyFour;
    }

    /** The scale of each 32 elements. */
    public float[] scales() {
        return scales;
    }

    /** The sum of each 32 elements. */
    public float[] sums() {
        return sums;
    }

    /** For each 256 elements eight scales, then eight sums. */
    public float[] scalesAndSums() {
        return scalesAndSums;
    }

    /** The scale of each 16 elements. */
    public float[] halfScales() {
        return halfScales;
    }

    /** The sum of each 16 elements. */
    public float[] halfSums() {
        return halfSums;
    }
}
