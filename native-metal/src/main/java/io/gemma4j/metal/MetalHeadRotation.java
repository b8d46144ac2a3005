package io.gemma4j.metal;

import io.gemma4j.backend.HeadRotation;

/** {@link HeadRotation} of each head of rows. Used by one thread at a time. */
final class MetalHeadRotation {
    private static final int RESTORE = 0;

    private final MetalPipeline rotate;
    private final MetalPipeline restore;

    MetalHeadRotation(KernelLibrary kernels) {
        rotate = kernels.pipeline("head_rotation", FunctionConstants.NONE.with(RESTORE, false));
        restore = kernels.pipeline("head_rotation", FunctionConstants.NONE.with(RESTORE, true));
    }

    /** Factor of a rotation: 1 divided by the square root of how many elements are mixed. */
    static float factor(int headDim) {
        return (float) (1 / Math.sqrt(Integer.lowestOneBit(headDim)));
    }

    /** {@code out = rotation(in)}; the two may be the same. */
    void rotate(MetalStream stream, MetalRows in, int heads, int headDim, MetalRows out, int rows) {
        dispatch(stream, rotate, in, heads, headDim, out, rows);
    }

    /** Takes {@link #rotate} back, in place. */
    void restore(MetalStream stream, MetalRows x, int heads, int headDim, int rows) {
        dispatch(stream, restore, x, heads, headDim, x, rows);
    }

    private static void dispatch(MetalStream stream, MetalPipeline kernel, MetalRows in, int heads, int headDim, MetalRows out, int rows) {
        BufferSlice from = in.first(rows);
        BufferSlice to = out.first(rows);
        stream.kernel(kernel);
        if (from.equals(to)) {
            stream.weight(0, from);
        } else {
            stream.read(0, from);
        }
        stream.write(1, to).put(in.stride()).put(out.stride()).put(headDim).put(factor(headDim)).arguments(2)
                .dispatch(Grid.of(heads, rows), MetalAttention.headThreads(headDim));
    }
}
