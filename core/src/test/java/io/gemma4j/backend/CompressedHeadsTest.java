package io.gemma4j.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.KvType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class CompressedHeadsTest {

    private static double square(float[] x) {
        return IntStream.range(0, x.length).mapToDouble(i -> (double) x[i] * x[i]).sum();
    }

    private static float[] normal(Random random, int count) {
        float[] x = new float[count];
        for (int i = 0; i < count; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }

    private static float[] throughCodes(float[] x, KvType type) {
        byte[] bytes = new byte[(int) type.headBytes(x.length)];
        MemorySegment segment = MemorySegment.ofArray(bytes);
        float[] back = new float[x.length];
        if (type == KvType.Q8_0) {
            HeadQ8_0.store(x, 0, x.length, segment, 0);
            HeadQ8_0.load(segment, 0, back, 0, x.length);
        } else {
            HeadTQ4.store(x, 0, x.length, segment, 0);
            HeadTQ4.load(segment, 0, back, 0, x.length);
        }
        return back;
    }

    /** Against the sum over the definition of the Hadamard matrix: the entry of row i and column j is negative where i and j share an odd number of bits. */
    @Property(tries = 50)
    void aRotationIsTheMatrixItIsSaidToBe(@ForAll Random random, @ForAll @IntRange(min = 0, max = 7) int power, @ForAll @IntRange(min = 1, max = 3) int odd) {
        int width = 1 << power;
        int headDim = width * (2 * odd - 1);
        float[] x = normal(random, headDim);
        float[] y = new float[headDim + 3];
        System.arraycopy(x, 0, y, 3, headDim);
        HeadRotation.rotate(y, 3, headDim);
        for (int i = 0; i < headDim; i++) {
            double sum = 0;
            for (int j = 0; j < width; j++) {
                int column = i / width * width + j;
                sum += (Integer.bitCount(i % width & j) % 2 == 0 ? 1 : -1) * (HeadRotation.negative(column) ? -x[column] : x[column]);
            }
            assertEquals(sum / Math.sqrt(width), y[3 + i], 1e-5 * Math.sqrt(square(x)));
        }
        HeadRotation.restore(y, 3, headDim);
        assertArrayEquals(x, Arrays.copyOfRange(y, 3, y.length), (float) (1e-6 * Math.sqrt(square(x))));
    }

    @Test
    void aRotationSpreadsASingleElement() {
        float[] x = new float[256];
        x[17] = 1;
        HeadRotation.rotate(x, 0, 256);
        for (float element : x) {
            assertEquals(1.0 / 16, Math.abs(element), 1e-6);
        }
        long negative = IntStream.range(0, 512).filter(HeadRotation::negative).count();
        assertTrue(negative > 200 && negative < 312, "signs are drawn evenly, found " + negative + " of 512 negative");
    }

    @Property(tries = 200)
    void everyElementBecomesTheNearestOneThatCanBeHeld(@ForAll Random random, @ForAll @IntRange(min = 1, max = 16) int blocks, @ForAll @IntRange(min = -6, max = 6) int power) {
        float[] x = normal(random, 32 * blocks);
        for (int i = 0; i < x.length; i++) {
            x[i] *= (float) Math.pow(10, power * 0.5);
        }
        float[] eight = throughCodes(x, KvType.Q8_0);
        float[] four = throughCodes(x, KvType.TQ4);
        for (int block = 0; block < blocks; block++) {
            float largest = 0;
            for (int i = 32 * block; i < 32 * block + 32; i++) {
                largest = Math.max(largest, Math.abs(x[i]));
            }
            float eightScale = Float.float16ToFloat(Float.floatToFloat16(largest / 127));
            float fourScale = Float.float16ToFloat(Float.floatToFloat16(largest / 131));
            for (int i = 32 * block; i < 32 * block + 32; i++) {
                float element = x[i];
                assertEquals(element, eight[i], eightScale * 0.5001 + 127 * Math.abs(largest / 127 - eightScale), "as 8 bits");
                double nearest = IntStream.range(0, 16).mapToDouble(code -> Math.abs(element - fourScale * HeadTQ4.level(code))).min().orElseThrow();
                assertEquals(nearest, Math.abs(element - four[i]), 1e-5 * largest, "as 4 bits");
            }
        }
    }

    @Test
    void normallyDistributedElementsLoseAsMuchAsIsSaid() {
        float[] x = normal(new Random(5), 32 * 4000);
        float[] back = throughCodes(x, KvType.TQ4);
        float[] error = new float[x.length];
        for (int i = 0; i < x.length; i++) {
            error[i] = back[i] - x[i];
        }
        assertEquals(0.0066, square(error) / square(x), 0.0001);
    }

    @Test
    void headsOfZerosAndOfOneElementAreExact() {
        for (KvType type : new KvType[] {KvType.Q8_0, KvType.TQ4}) {
            assertArrayEquals(new float[64], throughCodes(new float[64], type), 1e-30f);
        }
        float[] single = new float[32];
        single[3] = -127;
        assertArrayEquals(single, throughCodes(single, KvType.Q8_0), 1e-30f);
    }
}
