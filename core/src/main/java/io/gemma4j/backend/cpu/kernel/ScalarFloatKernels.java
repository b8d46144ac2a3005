package io.gemma4j.backend.cpu.kernel;

import io.gemma4j.backend.HeadRotation;

/** Plain Java, one element at a time: what {@link FloatKernels} means. */
public final class ScalarFloatKernels implements FloatKernels {
    private static final double SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

    @Override
    public float dot(float[] a, int aOffset, float[] b, int bOffset, int count) {
        // Four sums: one would wait for the latency of each addition.
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        int i = 0;
        for (; i <= count - 4; i += 4) {
            s0 += (double) a[aOffset + i] * b[bOffset + i];
            s1 += (double) a[aOffset + i + 1] * b[bOffset + i + 1];
            s2 += (double) a[aOffset + i + 2] * b[bOffset + i + 2];
            s3 += (double) a[aOffset + i + 3] * b[bOffset + i + 3];
        }
        for (; i < count; i++) {
            s0 += (double) a[aOffset + i] * b[bOffset + i];
        }
        return (float) (s0 + s1 + (s2 + s3));
    }

    @Override
    public void addScaled(float alpha, float[] x, int xOffset, float[] y, int yOffset, int count) {
        for (int i = 0; i < count; i++) {
            y[yOffset + i] += alpha * x[xOffset + i];
        }
    }

    @Override
    public void scale(float alpha, float[] x, int xOffset, int count) {
        for (int i = 0; i < count; i++) {
            x[xOffset + i] *= alpha;
        }
    }

    @Override
    public void add(float[] x, int xOffset, float[] y, int yOffset, float alpha, int count) {
        for (int i = 0; i < count; i++) {
            x[xOffset + i] = (x[xOffset + i] + y[yOffset + i]) * alpha;
        }
    }

    @Override
    public void normalize(float[] x, int xOffset, float alpha, float[] norm, float[] out, int outOffset, int count) {
        for (int i = 0; i < count; i++) {
            out[outOffset + i] = x[xOffset + i] * alpha * (norm == null ? 1 : norm[i]);
        }
    }

    @Override
    public void addNormalized(float[] x, int xOffset, float alpha, float[] norm, float[] y, int yOffset, int count) {
        for (int i = 0; i < count; i++) {
            y[yOffset + i] += x[xOffset + i] * alpha * norm[i];
        }
    }

    @Override
    public void ropeHalfSplit(float[] x, int xOffset, int half, float[] cos, float[] sin, int angleOffset) {
        for (int i = 0; i < half; i++) {
            float a = x[xOffset + i];
            float b = x[xOffset + half + i];
            float c = cos[angleOffset + i];
            float s = sin[angleOffset + i];
            x[xOffset + i] = a * c - b * s;
            x[xOffset + half + i] = a * s + b * c;
        }
    }

    @Override
    public void rotateHead(float[] x, int xOffset, int headDim) {
        HeadRotation.rotate(x, xOffset, headDim);
    }

    @Override
    public void restoreHead(float[] x, int xOffset, int headDim) {
        HeadRotation.restore(x, xOffset, headDim);
    }

    @Override
    public void geglu(float[] gate, int gateOffset, float[] up, int upOffset, float[] out, int outOffset, int count) {
        for (int i = 0; i < count; i++) {
            double g = gate[gateOffset + i];
            double gelu = 0.5 * g * (1 + Math.tanh(SQRT_2_OVER_PI * (g + 0.044715 * g * g * g)));
            out[outOffset + i] = (float) (gelu * up[upOffset + i]);
        }
    }

    @Override
    public float max(float[] x, int xOffset, int count) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < count; i++) {
            max = Math.max(max, x[xOffset + i]);
        }
        return max;
    }

    @Override
    public void roundToBytes(float[] x, int xOffset, byte[] out, float[] scales, float[] sums, int count, int group) {
        for (int first = 0; first < count; first += group) {
            float max = 0;
            for (int i = first; i < first + group; i++) {
                max = Math.max(max, Math.abs(x[xOffset + i]));
            }
            // The inverse of a subnormal scale may be infinite.
            float scale = max / 127 < Float.MIN_NORMAL ? 0 : max / 127;
            float inverse = scale == 0 ? 0 : 127 / max;
            int sum = 0;
            for (int i = first; i < first + group; i++) {
                out[i] = (byte) Math.rint(x[xOffset + i] * inverse);
                sum += out[i];
            }
            scales[first / group] = scale;
            sums[first / group] = scale * sum;
        }
    }

    @Override
    public float expSum(float[] x, int xOffset, float shift, int count) {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            float e = (float) Math.exp(x[xOffset + i] - shift);
            x[xOffset + i] = e;
            sum += e;
        }
        return (float) sum;
    }

    @Override
    public void softcap(float[] x, int xOffset, float cap, int count) {
        for (int i = 0; i < count; i++) {
            x[xOffset + i] = (float) (cap * Math.tanh(x[xOffset + i] / cap));
        }
    }

    @Override
    public void matmulTile(float[] x, int xOffset, int xStride, int xRows, float[] w, int wOffset, int wStride, int wRows, int count, float[] out,
            int outOffset, int outStride, float[] scratch) {
        for (int t = 0; t < xRows; t++) {
            for (int n = 0; n < wRows; n++) {
                out[outOffset + t * outStride + n] = dot(x, xOffset + t * xStride, w, wOffset + n * wStride, count);
            }
        }
    }

    @Override
    public void addProducts(float[] weights, int weightOffset, int weightStride, int rows, float[] x, int xOffset, int xStride, int count,
            float[] out, int outOffset, int outStride, int columns) {
        for (int t = 0; t < rows; t++) {
            for (int n = 0; n < count; n++) {
                addScaled(weights[weightOffset + t * weightStride + n], x, xOffset + n * xStride, out, outOffset + t * outStride, columns);
            }
        }
    }
}
