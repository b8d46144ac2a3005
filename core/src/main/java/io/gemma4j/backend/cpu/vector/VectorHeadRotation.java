package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.Lanes.floats;
import static io.gemma4j.backend.cpu.vector.VectorWidth.FLOATS;
import static io.gemma4j.backend.cpu.vector.VectorWidth.LANES;

import io.gemma4j.backend.HeadRotation;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/** {@link HeadRotation} with a vector of neighbours at a time; the bits are the same. */
final class VectorHeadRotation {
    private static final VectorShuffle<Float> FIRST = exchange(1);
    private static final VectorShuffle<Float> SECOND = exchange(2);
    private static final VectorShuffle<Float> FOURTH = exchange(4);
    private static final VectorShuffle<Float> EIGHTH = exchange(8);
    private static final FloatVector FIRST_SIGNS = signs(1);
    private static final FloatVector SECOND_SIGNS = signs(2);
    private static final FloatVector FOURTH_SIGNS = signs(4);
    private static final FloatVector EIGHTH_SIGNS = signs(8);

    private VectorHeadRotation() {}

    private static VectorShuffle<Float> exchange(int lanesAway) {
        return VectorShuffle.fromOp(FLOATS, lane -> (lane ^ lanesAway) % LANES);
    }

    // -1 in lanes that are the second of a pair.
    private static FloatVector signs(int lanesAway) {
        float[] signs = new float[LANES];
        for (int lane = 0; lane < LANES; lane++) {
            signs[lane] = (lane & lanesAway) == 0 ? 1 : -1;
        }
        return FloatVector.fromArray(FLOATS, signs, 0);
    }

    static void rotate(float[] x, int offset, int headDim) {
        int width = Integer.lowestOneBit(headDim);
        if (width < LANES) {
            HeadRotation.rotate(x, offset, headDim);
            return;
        }
        changeSigns(x, offset, headDim);
        transform(x, offset, headDim, width);
    }

    static void restore(float[] x, int offset, int headDim) {
        int width = Integer.lowestOneBit(headDim);
        if (width < LANES) {
            HeadRotation.restore(x, offset, headDim);
            return;
        }
        transform(x, offset, headDim, width);
        changeSigns(x, offset, headDim);
    }

    private static void changeSigns(float[] x, int offset, int headDim) {
        for (int i = 0; i < headDim; i += LANES) {
            floats(x, offset + i).reinterpretAsInts().lanewise(VectorOperators.XOR, signBits(i)).reinterpretAsFloats().intoArray(x, offset + i);
        }
    }

    // HeadRotation.negative of consecutive elements.
    private static IntVector signBits(int first) {
        IntVector hash = Lanes.INDEX.add(first).mul(HeadRotation.FIRST_FACTOR);
        hash = hash.lanewise(VectorOperators.XOR, hash.lanewise(VectorOperators.LSHR, HeadRotation.SHIFT));
        return hash.mul(HeadRotation.SECOND_FACTOR).and(0x8000_0000);
    }

    private static void transform(float[] x, int offset, int headDim, int width) {
        withinVectors(x, offset, headDim);
        for (int stride = LANES; stride < width; stride *= 2) {
            betweenVectors(x, offset, headDim, stride);
        }
        float factor = (float) (1 / Math.sqrt(width));
        for (int i = offset; i < offset + headDim; i += LANES) {
            floats(x, i).mul(factor).intoArray(x, i);
        }
    }

    // The strides below the width of a vector: the second of a pair becomes what it is taken from, less itself.
    private static void withinVectors(float[] x, int offset, int headDim) {
        for (int i = offset; i < offset + headDim; i += LANES) {
            FloatVector v = floats(x, i);
            v = v.rearrange(FIRST).add(v.mul(FIRST_SIGNS));
            v = v.rearrange(SECOND).add(v.mul(SECOND_SIGNS));
            v = LANES >= 8 ? v.rearrange(FOURTH).add(v.mul(FOURTH_SIGNS)) : v;
            v = LANES >= 16 ? v.rearrange(EIGHTH).add(v.mul(EIGHTH_SIGNS)) : v;
            v.intoArray(x, i);
        }
    }

    private static void betweenVectors(float[] x, int offset, int headDim, int stride) {
        for (int run = offset; run < offset + headDim; run += 2 * stride) {
            for (int i = run; i < run + stride; i += LANES) {
                FloatVector a = floats(x, i);
                FloatVector b = floats(x, i + stride);
                a.add(b).intoArray(x, i);
                a.sub(b).intoArray(x, i + stride);
            }
        }
    }
}
