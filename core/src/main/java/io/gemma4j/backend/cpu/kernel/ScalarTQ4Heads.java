package io.gemma4j.backend.cpu.kernel;

import io.gemma4j.KvType;
import io.gemma4j.backend.HeadTQ4;
import java.lang.foreign.MemorySegment;

/** Rotated heads of 4-bit codes, one element at a time: see {@link HeadTQ4}. */
public final class ScalarTQ4Heads implements HeadKernel {

    @Override
    public void store(float[] x, int xOffset, int headDim, MemorySegment to, long byteOffset) {
        HeadTQ4.store(x, xOffset, headDim, to, byteOffset);
    }

    @Override
    public void load(MemorySegment from, long byteOffset, int heads, int headDim, float[] out, int outOffset) {
        for (int head = 0; head < heads; head++) {
            HeadTQ4.load(from, byteOffset + head * KvType.TQ4.headBytes(headDim), out, outOffset + head * headDim, headDim);
        }
    }
}
