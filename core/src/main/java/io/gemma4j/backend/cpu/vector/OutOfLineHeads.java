package io.gemma4j.backend.cpu.vector;

import io.gemma4j.backend.cpu.kernel.HeadKernel;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;

/** Keeps what reads heads a compilation of its own, as {@link OutOfLine} does for rows, and for the same reason. Thread-safe. */
final class OutOfLineHeads implements HeadKernel {
    private final HeadKernel kernel;
    // Not static, and the class no record: either would make the handle a constant.
    private final MethodHandle load;

    OutOfLineHeads(HeadKernel kernel) {
        this.kernel = kernel;
        MethodType type = MethodType.methodType(void.class, MemorySegment.class, long.class, int.class, int.class, float[].class, int.class);
        load = OutOfLine.handle(kernel, "load", type);
    }

    @Override
    public void store(float[] x, int xOffset, int headDim, MemorySegment to, long byteOffset) {
        kernel.store(x, xOffset, headDim, to, byteOffset);
    }

    @Override
    public void load(MemorySegment from, long byteOffset, int heads, int headDim, float[] out, int outOffset) {
        try {
            load.invokeExact(from, byteOffset, heads, headDim, out, outOffset);
        } catch (Throwable e) {
            throw OutOfLine.unchecked(e);
        }
    }
}
