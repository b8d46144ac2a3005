package io.gemma4j.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.gemma4j.KvType;
import io.gemma4j.backend.HeadRotation;
import io.gemma4j.backend.cpu.kernel.FloatKernels;
import io.gemma4j.backend.cpu.kernel.HeadKernel;
import io.gemma4j.backend.cpu.kernel.ScalarHeads;
import io.gemma4j.backend.cpu.vector.VectorFloatKernels;
import io.gemma4j.backend.cpu.vector.VectorHeads;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What stores, reads and rotates heads on the Vector API, against plain Java: bit by bit. */
class HeadKernelsVectorTest {
    private static final int MARGIN = 5;

    private static float[] heads(int elements, Random random) {
        float[] x = new float[elements];
        float scale = 1;
        for (int i = 0; i < elements; i++) {
            if (i % 32 == 0) {
                scale = (float) Math.pow(10, random.nextInt(-9, 5));
            }
            x[i] = random.nextInt(20) == 0 ? 0 : scale * (float) random.nextGaussian();
        }
        return x;
    }

    @ParameterizedTest
    @EnumSource
    void whatWasStoredIsReadAsByPlainJava(KvType type) {
        HeadKernel expected = ScalarHeads.of(type);
        HeadKernel actual = VectorHeads.of(type);
        Random random = new Random(7);
        for (int headDim : new int[] {32, 64, 96, 128, 160, 256, 512}) {
            for (int heads = 1; heads <= 16; heads = 2 * heads + 1) {
                float[] x = heads(heads * headDim + MARGIN, random);
                int headBytes = (int) type.headBytes(headDim);
                try (Arena arena = Arena.ofConfined()) {
                    // The last byte is the last of the memory: what is read beyond it fails.
                    MemorySegment bytes = arena.allocate(MARGIN + (long) heads * headBytes);
                    MemorySegment same = arena.allocate(bytes.byteSize());
                    for (int head = 0; head < heads; head++) {
                        expected.store(x, MARGIN + head * headDim, headDim, bytes, MARGIN + head * headBytes);
                        actual.store(x, MARGIN + head * headDim, headDim, same, MARGIN + head * headBytes);
                    }
                    assertArrayEquals(bytes.toArray(ValueLayout.JAVA_BYTE), same.toArray(ValueLayout.JAVA_BYTE), type + " of " + headDim);
                    assertArrayEquals(loaded(expected, bytes, heads, headDim), loaded(actual, bytes, heads, headDim), type + " of " + headDim);
                }
            }
        }
    }

    private static float[] loaded(HeadKernel kernel, MemorySegment bytes, int heads, int headDim) {
        float[] out = new float[2 * MARGIN + heads * headDim];
        Arrays.fill(out, -77);
        kernel.load(bytes, MARGIN, heads, headDim, out, MARGIN);
        return out;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 6, 12, 24, 32, 48, 64, 80, 96, 128, 160, 256, 512, 1024})
    void rotationsAreThoseOfPlainJava(int headDim) {
        FloatKernels floats = new VectorFloatKernels();
        float[] x = heads(headDim + 2 * MARGIN, new Random(headDim));
        float[] expected = x.clone();
        HeadRotation.rotate(expected, MARGIN, headDim);
        float[] actual = x.clone();
        floats.rotateHead(actual, MARGIN, headDim);
        assertArrayEquals(bits(expected), bits(actual));
        HeadRotation.restore(expected, MARGIN, headDim);
        floats.restoreHead(actual, MARGIN, headDim);
        assertArrayEquals(bits(expected), bits(actual));
    }

    @Test
    void zerosKeepTheirSigns() {
        float[] expected = new float[64];
        Arrays.fill(expected, 0, 40, -0f);
        float[] actual = expected.clone();
        HeadRotation.rotate(expected, 0, 64);
        new VectorFloatKernels().rotateHead(actual, 0, 64);
        assertArrayEquals(bits(expected), bits(actual));
    }

    private static int[] bits(float[] x) {
        int[] bits = new int[x.length];
        for (int i = 0; i < x.length; i++) {
            bits[i] = Float.floatToRawIntBits(x[i]);
        }
        return bits;
    }
}
