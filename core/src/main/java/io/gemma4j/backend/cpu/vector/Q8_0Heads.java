package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.Lanes.signedBytes;
import static io.gemma4j.backend.cpu.vector.Lanes.splat;
import static io.gemma4j.backend.cpu.vector.Lanes.toFloats;
import static io.gemma4j.backend.cpu.vector.VectorWidth.LANES;

import io.gemma4j.KvType;
import io.gemma4j.backend.HeadQ8_0;
import io.gemma4j.backend.cpu.kernel.HeadKernel;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** Heads of 8-bit integers: see {@link HeadQ8_0}. Stateless and thread-safe. */
final class Q8_0Heads implements HeadKernel {

    @Override
    public void store(float[] x, int xOffset, int headDim, MemorySegment to, long byteOffset) {
        HeadQ8_0.store(x, xOffset, headDim, to, byteOffset);
    }

    @Override
    public void load(MemorySegment from, long byteOffset, int heads, int headDim, float[] out, int outOffset) {
        long headBytes = KvType.Q8_0.headBytes(headDim);
        long first = NativeMemory.range(from, byteOffset, heads * headBytes);
        for (int head = 0; head < heads; head++) {
            load(first + head * headBytes, headDim, out, outOffset + head * headDim);
        }
    }

    private static void load(long codes, int headDim, float[] out, int outOffset) {
        for (int i = 0; i < headDim; i += 32) {
            FloatVector scale = splat(NativeMemory.f16(codes + headDim + i / 16));
            for (int l = i; l < i + 32; l += LANES) {
                toFloats(signedBytes(NativeMemory.ALL, (codes + l) & NativeMemory.POSITIVE)).mul(scale).intoArray(out, outOffset + l);
            }
        }
    }
}
