package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.Lanes.high;
import static io.gemma4j.backend.cpu.vector.Lanes.low;
import static io.gemma4j.backend.cpu.vector.Lanes.splat;
import static io.gemma4j.backend.cpu.vector.Lanes.unsignedBytes;
import static io.gemma4j.backend.cpu.vector.VectorWidth.LANES;

import io.gemma4j.KvType;
import io.gemma4j.backend.HeadTQ4;
import io.gemma4j.backend.cpu.kernel.HeadKernel;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** Rotated heads of 4-bit codes: see {@link HeadTQ4}. Stateless and thread-safe. */
final class TQ4Heads implements HeadKernel {
    private static final NibbleTable LEVELS = new NibbleTable(HeadTQ4::level);

    @Override
    public void store(float[] x, int xOffset, int headDim, MemorySegment to, long byteOffset) {
        HeadTQ4.store(x, xOffset, headDim, to, byteOffset);
    }

    @Override
    public void load(MemorySegment from, long byteOffset, int heads, int headDim, float[] out, int outOffset) {
        long headBytes = KvType.TQ4.headBytes(headDim);
        long first = NativeMemory.range(from, byteOffset, heads * headBytes);
        for (int head = 0; head < heads; head++) {
            load(first + head * headBytes, headDim, out, outOffset + head * headDim);
        }
    }

    private static void load(long codes, int headDim, float[] out, int outOffset) {
        for (int i = 0; i < headDim; i += 32) {
            FloatVector scale = splat(NativeMemory.f16(codes + headDim / 2 + i / 16));
            for (int l = 0; l < 16; l += LANES) {
                IntVector both = unsignedBytes(NativeMemory.ALL, (codes + i / 2 + l) & NativeMemory.POSITIVE);
                LEVELS.of(low(both)).mul(scale).intoArray(out, outOffset + i + l);
                LEVELS.of(high(both)).mul(scale).intoArray(out, outOffset + i + 16 + l);
            }
        }
    }
}
