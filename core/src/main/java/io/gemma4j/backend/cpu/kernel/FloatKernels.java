package io.gemma4j.backend.cpu.kernel;

/**
 * Arithmetic over runs of 32-bit floats in Java arrays. {@link ScalarFloatKernels} is the specification; others may sum in another order.
 * Stateless and thread-safe.
 */
public interface FloatKernels {

    /** Rows and columns of the block of outputs that {@link #matmulTile} computes at most. */
    int TILE = 4;

    /** Elements of scratch memory that {@link #matmulTile} is given. */
    int SCRATCH = 256;

    /** {@code sum a[i] * b[i]}. */
    float dot(float[] a, int aOffset, float[] b, int bOffset, int count);

    /** {@code y += alpha * x}. */
    void addScaled(float alpha, float[] x, int xOffset, float[] y, int yOffset, int count);

    /** {@code x *= alpha}. */
    void scale(float alpha, float[] x, int xOffset, int count);

    /** {@code x = (x + y) * alpha}. */
    void add(float[] x, int xOffset, float[] y, int yOffset, float alpha, int count);

    /** {@code out = x * alpha * norm}; {@code norm} may be null for ones, {@code out} may be {@code x}. */
    void normalize(float[] x, int xOffset, float alpha, float[] norm, float[] out, int outOffset, int count);

    /** {@code y += x * alpha * norm}. */
    void addNormalized(float[] x, int xOffset, float alpha, float[] norm, float[] y, int yOffset, int count);

    /** Turns the pairs {@code (i, i + half)} by the angles whose cosines and sines are given. */
    void ropeHalfSplit(float[] x, int xOffset, int half, float[] cos, float[] sin, int angleOffset);

    /** {@link io.gemma4j.backend.HeadRotation#rotate}, bit-equal. */
    void rotateHead(float[] x, int xOffset, int headDim);

    /** {@link io.gemma4j.backend.HeadRotation#restore}, bit-equal. */
    void restoreHead(float[] x, int xOffset, int headDim);

    /** {@code out = geluTanh(gate) * up}, {@code geluTanh(x) = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))}. */
    void geglu(float[] gate, int gateOffset, float[] up, int upOffset, float[] out, int outOffset, int count);

    /** {@code max x[i]}. */
    float max(float[] x, int xOffset, int count);

    /**
     * Rounds groups of elements to bytes: see {@link Int8Row#quantize}.
     *
     * @param count whole groups, and a multiple of 16
     * @param scales of each group the greatest magnitude divided by 127; 16 more elements may be overwritten, likewise of {@code sums}
     * @param sums of each group the scale times the sum of the bytes
     */
    void roundToBytes(float[] x, int xOffset, byte[] out, float[] scales, float[] sums, int count, int group);

    /** {@code x = exp(x - shift)}; returns the sum. */
    float expSum(float[] x, int xOffset, float shift, int count);

    /** {@code x = cap * tanh(x / cap)}. */
    void softcap(float[] x, int xOffset, float cap, int count);

    /**
     * {@code out[t][n] = sum_k x[t][k] * w[n][k]} for at most {@link #TILE} rows on each side.
     *
     * @param xStride elements from one row of {@code x} to the next; likewise the others
     * @param scratch {@link #SCRATCH} elements of the calling thread's; what they hold is undefined before and after
     */
    void matmulTile(float[] x, int xOffset, int xStride, int xRows, float[] w, int wOffset, int wStride, int wRows, int count, float[] out,
            int outOffset, int outStride, float[] scratch);

    /**
     * {@code out[t][c] += sum_n weights[t][n] * x[n][c]}, added one {@code n} after the other.
     *
     * @param weightStride elements from one row of {@code weights} to the next; likewise the others
     */
    void addProducts(float[] weights, int weightOffset, int weightStride, int rows, float[] x, int xOffset, int xStride, int count,
            float[] out, int outOffset, int outStride, int columns);
}
