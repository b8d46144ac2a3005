package io.gemma4j.backend.cpu.kernel;

import io.gemma4j.KvType;
import io.gemma4j.backend.HeadQ8_0;
import java.lang.foreign.MemorySegment;

/** Heads of 8-bit integers, one element at a time: see {@link HeadQ8_0}. */
public final class ScalarQ8_0Heads implements HeadKernel {

    @Override
    public void store(float[] x, int xOffset, int headDim, MemorySegment to, long byteOffset) {
        HeadQ8_0.store(x, xOffset, headDim, to, byteOffset);
    }

    @Override
    public void load(MemorySegment from, long byteOffset, int heads, int headDim, float[] out, int outOffset) {
        for (int head = 0; head < heads; head++) {
            HeadQ8_0.load(from, byteOffset + head * KvType.Q8_0.headBytes(headDim), out, outOffset + head * headDim, headDim);
        }
    }
}
