package io.gemma4j.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.backend.cpu.kernel.FloatKernels;
import io.gemma4j.backend.cpu.kernel.ScalarFloatKernels;
import io.gemma4j.backend.cpu.vector.VectorFloatKernels;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The vector kernels against the scalar ones, for every count around the vector lengths, at odd offsets, with what lies around left alone. */
class FloatKernelsVectorTest {
    private static final int MAX_COUNT = 70;
    private static final int LENGTH = 6 * MAX_COUNT;
    /** Values are below 4: of one operation, of sums of at most 70 products, and of exponentials. */
    private static final double SIMPLE = 2e-6;

    private static final double SUMS = 1e-4;

    private final FloatKernels scalar = new ScalarFloatKernels();
    private final FloatKernels vector = new VectorFloatKernels();
    private final Random random = new Random(1);

    @FunctionalInterface
    private interface Action {
        void on(FloatKernels kernels, float[] x, float[] y, int count, int xOffset, int yOffset);
    }

    /** Both arrays are compared as a whole: writes beyond {@code count} show. */
    private void compare(double bound, Action action) {
        for (int count = 0; count <= MAX_COUNT; count++) {
            float[] x = random();
            float[] y = random();
            int xOffset = random.nextInt(20);
            int yOffset = random.nextInt(20);
            float[] expectedX = x.clone();
            float[] expectedY = y.clone();
            action.on(scalar, expectedX, expectedY, count, xOffset, yOffset);
            action.on(vector, x, y, count, xOffset, yOffset);
            assertArrayEquals(expectedX, x, (float) bound, "first array, count " + count);
            assertArrayEquals(expectedY, y, (float) bound, "second array, count " + count);
        }
    }

    private float[] random() {
        float[] values = new float[LENGTH];
        for (int i = 0; i < LENGTH; i++) {
            values[i] = random.nextFloat(-4, 4);
        }
        return values;
    }

    @Test
    void dot() {
        compare(SUMS, (kernels, x, y, count, xOffset, yOffset) -> x[LENGTH - 1] = kernels.dot(x, xOffset, y, yOffset, count));
    }

    @Test
    void addScaled() {
        compare(SIMPLE, (kernels, x, y, count, xOffset, yOffset) -> kernels.addScaled(0.3f, x, xOffset, y, yOffset, count));
    }

    @Test
    void scale() {
        compare(0, (kernels, x, y, count, xOffset, yOffset) -> kernels.scale(-0.3f, x, xOffset, count));
    }

    @Test
    void add() {
        compare(0, (kernels, x, y, count, xOffset, yOffset) -> kernels.add(x, xOffset, y, yOffset, 0.3f, count));
    }

    @Test
    void normalizeWithAndWithoutWeights() {
        float[] norm = random();
        compare(SIMPLE, (kernels, x, y, count, xOffset, yOffset) -> kernels.normalize(x, xOffset, 0.3f, norm, y, yOffset, count));
        compare(SIMPLE, (kernels, x, y, count, xOffset, yOffset) -> kernels.normalize(x, xOffset, 0.3f, null, y, yOffset, count));
        compare(SIMPLE, (kernels, x, y, count, xOffset, yOffset) -> kernels.normalize(x, xOffset, 0.3f, norm, x, xOffset, count));
    }

    @Test
    void addNormalized() {
        float[] norm = random();
        compare(SIMPLE, (kernels, x, y, count, xOffset, yOffset) -> kernels.addNormalized(x, xOffset, 0.3f, norm, y, yOffset, count));
    }

    @Test
    void ropeHalfSplit() {
        float[] cos = random();
        float[] sin = random();
        compare(SIMPLE * 4, (kernels, x, y, count, xOffset, yOffset) -> kernels.ropeHalfSplit(x, xOffset, count, cos, sin, yOffset));
    }

    @Test
    void geglu() {
        compare(SIMPLE * 8, (kernels, x, y, count, xOffset, yOffset) -> {
            float[] out = new float[LENGTH];
            kernels.geglu(x, xOffset, y, yOffset, out, xOffset + 1, count);
            System.arraycopy(out, 0, x, 0, LENGTH);
        });
        compare(SIMPLE * 8, (kernels, x, y, count, xOffset, yOffset) -> kernels.geglu(x, xOffset, y, yOffset, x, xOffset, count));
    }

    @Test
    void max() {
        compare(0, (kernels, x, y, count, xOffset, yOffset) -> x[LENGTH - 1] = kernels.max(x, xOffset, count));
        for (FloatKernels kernels : new FloatKernels[] {scalar, vector}) {
            assertEquals(Float.NEGATIVE_INFINITY, kernels.max(new float[9], 3, 0));
            for (int count = 1; count <= MAX_COUNT; count++) {
                float[] x = new float[count];
                Arrays.fill(x, -7);
                int place = random.nextInt(count);
                x[place] = -6;
                assertEquals(-6, kernels.max(x, 0, count), "largest of " + count + " at " + place);
                x[place] = Float.NaN;
                assertTrue(Float.isNaN(kernels.max(x, 0, count)));
            }
        }
    }

    @Test
    void expSum() {
        compare(SUMS, (kernels, x, y, count, xOffset, yOffset) -> y[LENGTH - 1] = kernels.expSum(x, xOffset, 4, count));
    }

    @Test
    void softcap() {
        compare(SIMPLE, (kernels, x, y, count, xOffset, yOffset) -> kernels.softcap(x, xOffset, 2.5f, count));
    }

    @Test
    void matmulTileOfEveryShape() {
        for (int xRows = 1; xRows <= FloatKernels.TILE; xRows++) {
            for (int wRows = 1; wRows <= FloatKernels.TILE; wRows++) {
                int tokens = xRows;
                int outputs = wRows;
                compare(SUMS, (kernels, x, y, count, xOffset, yOffset) -> {
                    float[] out = new float[LENGTH];
                    kernels.matmulTile(x, xOffset, MAX_COUNT + 1, tokens, y, yOffset, MAX_COUNT + 2, outputs, count, out, 3, outputs + 5,
                            new float[FloatKernels.SCRATCH]);
                    System.arraycopy(out, 0, x, 0, LENGTH);
                });
            }
        }
    }

    @Test
    void addProductsOfEveryShape() {
        for (int rows = 1; rows <= 5; rows++) {
            for (int products = 0; products <= 3; products++) {
                int tokens = rows;
                int keys = products;
                compare(SUMS, (kernels, x, y, count, xOffset, yOffset) -> {
                    float[] weights = x.clone();
                    kernels.addProducts(weights, xOffset, 7, tokens, y, yOffset, MAX_COUNT + 2, keys, x, 1, count, count);
                });
            }
        }
    }
}
