package io.gemma4j.backend.cpu.vector;

import io.gemma4j.backend.cpu.kernel.FloatKernels;
import io.gemma4j.backend.cpu.kernel.ScalarFloatKernels;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** {@link FloatKernels} on the Vector API. Remainders that fill no vector are computed one element at a time. */
public final class VectorFloatKernels implements FloatKernels {
    private static final VectorSpecies<Float> F = VectorWidth.FLOATS;
    private static final int LANES = F.length();
    private static final VectorSpecies<Byte> BYTES = ByteVector.SPECIES_128;
    private static final VectorShuffle<Float> NEIGHBOUR = exchange(1);
    private static final VectorShuffle<Float> SECOND = exchange(2);
    private static final VectorShuffle<Float> FOURTH = exchange(4);
    private static final VectorShuffle<Float> EIGHTH = exchange(8);
    // Adding 1.5 * 2^23 leaves the nearest integer in the low bits.
    private static final float ROUND = 12582912f;
    private static final int ROUND_BITS = Float.floatToRawIntBits(ROUND);
    private static final float SQRT_8_OVER_PI = (float) Math.sqrt(8 / Math.PI);

    private final FloatKernels scalar = new ScalarFloatKernels();

    private static VectorShuffle<Float> exchange(int lanesAway) {
        return VectorShuffle.fromOp(F, lane -> (lane ^ lanesAway) % LANES);
    }

    @Override
    public float dot(float[] a, int aOffset, float[] b, int bOffset, int count) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        int i = 0;
        // Four sums: one would wait for the latency of each multiply-add.
        for (; i <= count - 4 * LANES; i += 4 * LANES) {
            s0 = load(a, aOffset + i).fma(load(b, bOffset + i), s0);
            s1 = load(a, aOffset + i + LANES).fma(load(b, bOffset + i + LANES), s1);
            s2 = load(a, aOffset + i + 2 * LANES).fma(load(b, bOffset + i + 2 * LANES), s2);
            s3 = load(a, aOffset + i + 3 * LANES).fma(load(b, bOffset + i + 3 * LANES), s3);
        }
        for (; i <= count - LANES; i += LANES) {
            s0 = load(a, aOffset + i).fma(load(b, bOffset + i), s0);
        }
        float sum = Lanes.sum(s0.add(s1).add(s2.add(s3)));
        for (; i < count; i++) {
            sum = Math.fma(a[aOffset + i], b[bOffset + i], sum);
        }
        return sum;
    }

    @Override
    public void addScaled(float alpha, float[] x, int xOffset, float[] y, int yOffset, int count) {
        FloatVector factor = FloatVector.broadcast(F, alpha);
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            load(x, xOffset + i).fma(factor, load(y, yOffset + i)).intoArray(y, yOffset + i);
        }
        for (; i < count; i++) {
            y[yOffset + i] = Math.fma(x[xOffset + i], alpha, y[yOffset + i]);
        }
    }

    @Override
    public void scale(float alpha, float[] x, int xOffset, int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            load(x, xOffset + i).mul(alpha).intoArray(x, xOffset + i);
        }
        for (; i < count; i++) {
            x[xOffset + i] *= alpha;
        }
    }

    @Override
    public void add(float[] x, int xOffset, float[] y, int yOffset, float alpha, int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            load(x, xOffset + i).add(load(y, yOffset + i)).mul(alpha).intoArray(x, xOffset + i);
        }
        for (; i < count; i++) {
            x[xOffset + i] = (x[xOffset + i] + y[yOffset + i]) * alpha;
        }
    }

    @Override
    public void normalize(float[] x, int xOffset, float alpha, float[] norm, float[] out, int outOffset, int count) {
        int i = 0;
        if (norm == null) {
            for (; i <= count - LANES; i += LANES) {
                load(x, xOffset + i).mul(alpha).intoArray(out, outOffset + i);
            }
        } else {
            for (; i <= count - LANES; i += LANES) {
                load(x, xOffset + i).mul(alpha).mul(load(norm, i)).intoArray(out, outOffset + i);
            }
        }
        for (; i < count; i++) {
            out[outOffset + i] = x[xOffset + i] * alpha * (norm == null ? 1 : norm[i]);
        }
    }

    @Override
    public void addNormalized(float[] x, int xOffset, float alpha, float[] norm, float[] y, int yOffset, int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            load(x, xOffset + i).mul(alpha).fma(load(norm, i), load(y, yOffset + i)).intoArray(y, yOffset + i);
        }
        for (; i < count; i++) {
            y[yOffset + i] = Math.fma(x[xOffset + i] * alpha, norm[i], y[yOffset + i]);
        }
    }

    @Override
    public void ropeHalfSplit(float[] x, int xOffset, int half, float[] cos, float[] sin, int angleOffset) {
        int i = 0;
        for (; i <= half - LANES; i += LANES) {
            FloatVector a = load(x, xOffset + i);
            FloatVector b = load(x, xOffset + half + i);
            FloatVector c = load(cos, angleOffset + i);
            FloatVector s = load(sin, angleOffset + i);
            a.mul(c).sub(b.mul(s)).intoArray(x, xOffset + i);
            a.mul(s).add(b.mul(c)).intoArray(x, xOffset + half + i);
        }
        for (; i < half; i++) {
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
        VectorHeadRotation.rotate(x, xOffset, headDim);
    }

    @Override
    public void restoreHead(float[] x, int xOffset, int headDim) {
        VectorHeadRotation.restore(x, xOffset, headDim);
    }

    @Override
    public void geglu(float[] gate, int gateOffset, float[] up, int upOffset, float[] out, int outOffset, int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            geluTanh(load(gate, gateOffset + i)).mul(load(up, upOffset + i)).intoArray(out, outOffset + i);
        }
        for (; i < count; i++) {
            float g = gate[gateOffset + i];
            float z = SQRT_8_OVER_PI * (g + 0.044715f * g * g * g);
            out[outOffset + i] = (float) (g / (1 + Math.exp(-z))) * up[upOffset + i];
        }
    }

    // (1 + tanh z) / 2 = 1 / (1 + exp(-2z))
    private static FloatVector geluTanh(FloatVector g) {
        FloatVector z = g.mul(g).mul(0.044715f).add(1).mul(g).mul(-SQRT_8_OVER_PI);
        return g.div(VectorExp.exp(z).add(1));
    }

    @Override
    public float max(float[] x, int xOffset, int count) {
        FloatVector best = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            best = best.max(load(x, xOffset + i));
        }
        float max = best.reduceLanes(VectorOperators.MAX);
        for (; i < count; i++) {
            max = Math.max(max, x[xOffset + i]);
        }
        return max;
    }

    @Override
    public void roundToBytes(float[] x, int xOffset, byte[] out, float[] scales, float[] sums, int count, int group) {
        if (LANES == 16) {
            roundSixteens(x, xOffset, out, scales, sums, count, group);
        } else {
            scalar.roundToBytes(x, xOffset, out, scales, sums, count, group);
        }
    }

    // Every lane gets the maximum and the sum of its group, by exchanges with lanes ever further away; then one lane of each group is kept.
    private static void roundSixteens(float[] x, int xOffset, byte[] out, float[] scales, float[] sums, int count, int group) {
        VectorShuffle<Float> firstOfGroups = VectorShuffle.fromOp(F, lane -> lane * group % LANES);
        for (int at = 0; at < count; at += LANES) {
            FloatVector v = load(x, xOffset + at);
            FloatVector max = v.abs();
            max = max.max(max.rearrange(NEIGHBOUR));
            max = max.max(max.rearrange(SECOND));
            max = group >= 8 ? max.max(max.rearrange(FOURTH)) : max;
            max = group >= 16 ? max.max(max.rearrange(EIGHTH)) : max;
            FloatVector scale = max.div(127);
            VectorMask<Float> none = scale.lt(Float.MIN_NORMAL);
            scale = scale.blend(0, none);
            IntVector rounded = v.mul(FloatVector.broadcast(F, 127).div(max).blend(0, none)).add(ROUND).reinterpretAsInts().sub(ROUND_BITS);
            ((ByteVector) rounded.convertShape(VectorOperators.I2B, BYTES, 0)).intoArray(out, at);
            FloatVector sum = (FloatVector) rounded.convertShape(VectorOperators.I2F, F, 0);
            sum = sum.add(sum.rearrange(NEIGHBOUR));
            sum = sum.add(sum.rearrange(SECOND));
            sum = group >= 8 ? sum.add(sum.rearrange(FOURTH)) : sum;
            sum = group >= 16 ? sum.add(sum.rearrange(EIGHTH)) : sum;
            // What is stored beyond the groups of this vector is overwritten by the next.
            scale.rearrange(firstOfGroups).intoArray(scales, at / group);
            scale.mul(sum).rearrange(firstOfGroups).intoArray(sums, at / group);
        }
    }

    @Override
    public float expSum(float[] x, int xOffset, float shift, int count) {
        FloatVector sums = FloatVector.zero(F);
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector e = VectorExp.exp(load(x, xOffset + i).sub(shift));
            e.intoArray(x, xOffset + i);
            sums = sums.add(e);
        }
        float sum = Lanes.sum(sums);
        for (; i < count; i++) {
            x[xOffset + i] = (float) Math.exp(x[xOffset + i] - shift);
            sum += x[xOffset + i];
        }
        return sum;
    }

    // tanh z = 1 - 2 / (1 + exp(2z))
    @Override
    public void softcap(float[] x, int xOffset, float cap, int count) {
        FloatVector one = FloatVector.broadcast(F, 1);
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector e = VectorExp.exp(load(x, xOffset + i).mul(2 / cap));
            one.sub(one.add(one).div(e.add(1))).mul(cap).intoArray(x, xOffset + i);
        }
        for (; i < count; i++) {
            x[xOffset + i] = (float) (cap * Math.tanh(x[xOffset + i] / cap));
        }
    }

    @Override
    public void matmulTile(float[] x, int xOffset, int xStride, int xRows, float[] w, int wOffset, int wStride, int wRows, int count, float[] out,
            int outOffset, int outStride, float[] scratch) {
        if (wRows == TILE && count % LANES == 0) {
            for (int t = 0; t < xRows; t += 2) {
                int second = t + 1 < xRows ? 1 : 0; // the last of an odd number of rows is paired with itself
                twoByFour(x, xOffset + t * xStride, second * xStride, w, wOffset, wStride, count, scratch, t * TILE * LANES);
            }
            // Apart from the products: to C2, lanes summed beside them are operations too many for one method.
            for (int i = 0; i < xRows * TILE; i++) {
                out[outOffset + i / TILE * outStride + i % TILE] = Lanes.sum(load(scratch, i * LANES));
            }
            return;
        }
        for (int t = 0; t < xRows; t++) {
            for (int n = 0; n < wRows; n++) {
                out[outOffset + t * outStride + n] = dot(x, xOffset + t * xStride, w, wOffset + n * wStride, count);
            }
        }
    }

    // Eight sums are enough to hide the latency and few enough for sixteen registers.
    private static void twoByFour(float[] x, int xOffset, int xStride, float[] w, int wOffset, int wStride, int count, float[] lanes, int at) {
        FloatVector s00 = FloatVector.zero(F);
        FloatVector s01 = s00;
        FloatVector s02 = s00;
        FloatVector s03 = s00;
        FloatVector s10 = s00;
        FloatVector s11 = s00;
        FloatVector s12 = s00;
        FloatVector s13 = s00;
        for (int k = 0; k < count; k += LANES) {
            FloatVector x0 = load(x, xOffset + k);
            FloatVector x1 = load(x, xOffset + xStride + k);
            FloatVector w0 = load(w, wOffset + k);
            FloatVector w1 = load(w, wOffset + wStride + k);
            FloatVector w2 = load(w, wOffset + 2 * wStride + k);
            FloatVector w3 = load(w, wOffset + 3 * wStride + k);
            s00 = x0.fma(w0, s00);
            s01 = x0.fma(w1, s01);
            s02 = x0.fma(w2, s02);
            s03 = x0.fma(w3, s03);
            s10 = x1.fma(w0, s10);
            s11 = x1.fma(w1, s11);
            s12 = x1.fma(w2, s12);
            s13 = x1.fma(w3, s13);
        }
        s00.intoArray(lanes, at);
        s01.intoArray(lanes, at + LANES);
        s02.intoArray(lanes, at + 2 * LANES);
        s03.intoArray(lanes, at + 3 * LANES);
        s10.intoArray(lanes, at + 4 * LANES);
        s11.intoArray(lanes, at + 5 * LANES);
        s12.intoArray(lanes, at + 6 * LANES);
        s13.intoArray(lanes, at + 7 * LANES);
    }

    @Override
    public void addProducts(float[] weights, int weightOffset, int weightStride, int rows, float[] x, int xOffset, int xStride, int count,
            float[] out, int outOffset, int outStride, int columns) {
        int c = 0;
        // All rows for a few columns of x, which then stay in the first-level cache.
        for (; c <= columns - 4 * LANES; c += 4 * LANES) {
            for (int t = 0; t < rows; t += 2) {
                // The last of an odd number of rows is paired with itself: its sums are computed twice and stored alike.
                int second = t + 1 < rows ? 1 : 0;
                addTwoRows(weights, weightOffset + t * weightStride, second * weightStride, x, xOffset + c, xStride, count, out,
                        outOffset + t * outStride + c, second * outStride);
            }
        }
        for (; c <= columns - LANES; c += LANES) {
            for (int t = 0; t < rows; t++) {
                addRow(weights, weightOffset + t * weightStride, x, xOffset + c, xStride, count, out, outOffset + t * outStride + c);
            }
        }
        for (; c < columns; c++) {
            for (int t = 0; t < rows; t++) {
                float sum = out[outOffset + t * outStride + c];
                for (int n = 0; n < count; n++) {
                    sum = Math.fma(weights[weightOffset + t * weightStride + n], x[xOffset + n * xStride + c], sum);
                }
                out[outOffset + t * outStride + c] = sum;
            }
        }
    }

    private static void addTwoRows(float[] weights, int weightOffset, int weightStride, float[] x, int xOffset, int xStride, int count, float[] out,
            int outOffset, int outStride) {
        FloatVector s00 = load(out, outOffset);
        FloatVector s01 = load(out, outOffset + LANES);
        FloatVector s02 = load(out, outOffset + 2 * LANES);
        FloatVector s03 = load(out, outOffset + 3 * LANES);
        FloatVector s10 = load(out, outOffset + outStride);
        FloatVector s11 = load(out, outOffset + outStride + LANES);
        FloatVector s12 = load(out, outOffset + outStride + 2 * LANES);
        FloatVector s13 = load(out, outOffset + outStride + 3 * LANES);
        int at = xOffset;
        for (int n = 0; n < count; n++) {
            FloatVector w0 = FloatVector.broadcast(F, weights[weightOffset + n]);
            FloatVector w1 = FloatVector.broadcast(F, weights[weightOffset + weightStride + n]);
            FloatVector x0 = load(x, at);
            FloatVector x1 = load(x, at + LANES);
            FloatVector x2 = load(x, at + 2 * LANES);
            FloatVector x3 = load(x, at + 3 * LANES);
            s00 = x0.fma(w0, s00);
            s01 = x1.fma(w0, s01);
            s02 = x2.fma(w0, s02);
            s03 = x3.fma(w0, s03);
            s10 = x0.fma(w1, s10);
            s11 = x1.fma(w1, s11);
            s12 = x2.fma(w1, s12);
            s13 = x3.fma(w1, s13);
            at += xStride;
        }
        s00.intoArray(out, outOffset);
        s01.intoArray(out, outOffset + LANES);
        s02.intoArray(out, outOffset + 2 * LANES);
        s03.intoArray(out, outOffset + 3 * LANES);
        s10.intoArray(out, outOffset + outStride);
        s11.intoArray(out, outOffset + outStride + LANES);
        s12.intoArray(out, outOffset + outStride + 2 * LANES);
        s13.intoArray(out, outOffset + outStride + 3 * LANES);
    }

    private static void addRow(float[] weights, int weightOffset, float[] x, int xOffset, int xStride, int count, float[] out, int outOffset) {
        FloatVector sum = load(out, outOffset);
        for (int n = 0; n < count; n++) {
            sum = load(x, xOffset + n * xStride).fma(FloatVector.broadcast(F, weights[weightOffset + n]), sum);
        }
        sum.intoArray(out, outOffset);
    }

    private static FloatVector load(float[] array, int offset) {
        return FloatVector.fromArray(F, array, offset);
    }
}
