package io.gemma4j.backend.cpu.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

class VectorExpVectorTest {
    private static final double BOUND_ULPS = 2;

    private static float[] exp(float[] x) {
        float[] padded = Arrays.copyOf(x, Math.ceilDiv(x.length, VectorWidth.LANES) * VectorWidth.LANES);
        for (int i = 0; i < padded.length; i += VectorWidth.LANES) {
            VectorExp.exp(FloatVector.fromArray(VectorWidth.FLOATS, padded, i)).intoArray(padded, i);
        }
        return Arrays.copyOf(padded, x.length);
    }

    private static void compare(float[] x) {
        float[] found = exp(x);
        for (int i = 0; i < x.length; i++) {
            double exact = Math.exp(x[i]);
            float nearest = (float) exact;
            if (Float.isNaN(nearest) || Float.isInfinite(nearest)) {
                assertEquals(nearest, found[i], "exp(" + x[i] + ")");
            } else if (nearest < Float.MIN_NORMAL) {
                assertEquals(0f, found[i], "exp(" + x[i] + ")");
            } else {
                double ulps = Math.abs(found[i] - exact) / Math.ulp(nearest);
                assertTrue(ulps <= BOUND_ULPS, "exp(" + x[i] + ") = " + found[i] + ", " + ulps + " ulp from " + exact);
            }
        }
    }

    @Test
    void anyBitPatternIsWithinTwoUnitsInTheLastPlace() {
        Random random = new Random(1);
        float[] x = new float[200_000];
        for (int i = 0; i < x.length; i++) {
            x[i] = Float.intBitsToFloat(random.nextInt());
        }
        compare(x);
    }

    @Test
    void argumentsWithAFiniteResultAreWithinTwoUnitsInTheLastPlace() {
        Random random = new Random(2);
        float[] x = new float[200_000];
        for (int i = 0; i < x.length; i++) {
            x[i] = random.nextFloat(-105, 90);
        }
        compare(x);
    }

    @Test
    void bordersAndExtremesAreExact() {
        float[] borders = {(float) Math.log(Float.MAX_VALUE), (float) Math.log(Float.MIN_NORMAL), (float) Math.log(Float.MIN_VALUE), 0, -0f,
            0.34657359f, -0.34657359f, 88, -87, 128, -149, 1, -1};
        float[] around = new float[borders.length * 41];
        for (int i = 0; i < borders.length; i++) {
            for (int step = -20; step <= 20; step++) {
                around[i * 41 + step + 20] = Float.intBitsToFloat(Float.floatToRawIntBits(borders[i] == 0 ? 1e-40f : borders[i]) + step);
            }
        }
        compare(around);
        compare(new float[] {0, -0f, Float.MIN_VALUE, -Float.MIN_VALUE, Float.MIN_NORMAL, Float.MAX_VALUE, -Float.MAX_VALUE,
            Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.NaN});
        assertEquals(1, exp(new float[] {0})[0]);
    }
}
