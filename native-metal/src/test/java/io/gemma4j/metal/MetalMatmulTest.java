package io.gemma4j.metal;

import static io.gemma4j.metal.Closeness.assertClose;

import io.gemma4j.gguf.GgmlType;
import io.gemma4j.metal.KernelBench.Run;
import io.gemma4j.metal.fake.MetalDriver;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@ExtendWith(MetalDriver.class)
class MetalMatmulTest {
    /** Weights are rounded to 11 bits where their scales have no more. */
    private static final double TOLERANCE = 5e-4;

    static void multiply(Run run, long seed, GgmlType type, int outputs, int columns, int rows, float factor) {
        try (KernelBench bench = KernelBench.open(run, seed)) {
            RandomMatrix weight = RandomMatrix.of(type, outputs, columns, bench.random);
            float[] x = bench.gaussians(rows * columns);
            for (int i = 0; i < x.length; i++) {
                x[i] *= factor;
            }
            // Rows that are columns of wider ones, as activations of a layer may be.
            int stride = outputs + 4 - outputs % 4;
            MetalRows wide = bench.empty(rows, stride);
            MetalRows out = new MetalRows(wide.bytes(), outputs, stride);
            MetalMatmul matmul = new MetalMatmul(bench.kernels, new MetalMatvec(bench.kernels));
            matmul.multiply(bench.stream, bench.matrix(weight), bench.rows(x, columns), out, rows);
            float[] written = bench.result(wide.bytes());
            double[] expected = new double[rows * outputs];
            float[] actual = new float[rows * outputs];
            for (int i = 0; i < expected.length; i++) {
                expected[i] = weight.product(i % outputs, x, i / outputs * columns);
                actual[i] = written[i / outputs * stride + i % outputs];
            }
            assertClose(expected, actual, TOLERANCE, run + " " + type + " " + outputs + " x " + columns + ", " + rows + " rows");
            for (int i = 0; i < written.length; i++) {
                if (i % stride >= outputs && !Float.isNaN(written[i])) {
                    throw new AssertionError("written beyond the outputs, at " + i);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("io.gemma4j.metal.RandomMatrix#types")
    void aProductIsThatOfTheDecodedMatrix(GgmlType type) {
        Random random = new Random(type.ordinal());
        int unit = RandomMatrix.columnUnit(type);
        int columns = unit * (1 + random.nextInt(512 / unit));
        multiply(Run.FIFO, 1, type, 1 + random.nextInt(100), columns, 9 + random.nextInt(8), 1);
        multiply(Run.LIFO, 2, type, 1 + random.nextInt(100), columns, 17 + random.nextInt(16), 1);
        multiply(Run.RANDOM, 3, type, 1 + random.nextInt(70), unit, 33 + random.nextInt(60), 1);
        if (!MetalDriver.isReal()) {
            multiply(Run.CHECKED, 4, type, 1 + random.nextInt(100), unit, 9 + random.nextInt(24), 1);
        }
    }

    @Test
    void activationsBeyondTheRangeOfHalfFloatsKeepTheirValue() {
        multiply(Run.FIFO, 5, GgmlType.Q8_0, 64, 64, 20, 1e6f);
    }

    @Test
    void aWholeTileAndOneMoreRowAndOutputAreWritten() {
        multiply(Run.FIFO, 6, GgmlType.Q4_0, 65, 32, 65, 1);
    }
}
