package io.gemma4j.metal;

import static io.gemma4j.metal.Closeness.assertClose;
import static io.gemma4j.metal.Closeness.gelu;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.gguf.GgmlType;
import io.gemma4j.metal.KernelBench.Run;
import io.gemma4j.metal.fake.MetalDriver;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@ExtendWith(MetalDriver.class)
class MetalMatvecTest {
    private static final double TOLERANCE = 2e-6;

    private record Shape(int outputs, int columns, int rows) {
        static Shape random(KernelBench bench, GgmlType type, int maxColumns, int maxRows) {
            int unit = RandomMatrix.columnUnit(type);
            return new Shape(1 + bench.random.nextInt(50), unit * (1 + bench.random.nextInt(maxColumns / unit)), 1 + bench.random.nextInt(maxRows));
        }
    }

    @ParameterizedTest
    @MethodSource("io.gemma4j.metal.RandomMatrix#types")
    void aProductIsThatOfTheDecodedMatrix(GgmlType type) {
        for (Run run : Run.all()) {
            multiply(run, type);
        }
    }

    static void multiply(Run run, GgmlType type) {
        try (KernelBench bench = KernelBench.open(run, type.ordinal())) {
            // Up to three sweeps of 1024 columns, so that some are shared among simdgroups and the last is not whole.
            multiply(bench, run, type, Shape.random(bench, type, run == Run.CHECKED ? 1280 : 2816, run == Run.CHECKED ? 2 : 8));
        }
    }

    private static void multiply(KernelBench bench, Run run, GgmlType type, Shape shape) {
        RandomMatrix weight = RandomMatrix.of(type, shape.outputs, shape.columns, bench.random);
        float[] x = bench.gaussians(shape.rows * shape.columns);
        MetalRows out = bench.empty(shape.rows, shape.outputs);
        new MetalMatvec(bench.kernels).multiply(bench.stream, bench.matrix(weight), bench.rows(x, shape.columns), out, shape.rows);
        double[] expected = new double[shape.rows * shape.outputs];
        for (int i = 0; i < expected.length; i++) {
            expected[i] = weight.product(i % shape.outputs, x, i / shape.outputs * shape.columns);
        }
        assertClose(expected, bench.result(out.bytes()), TOLERANCE, run + " " + type + " " + shape);
    }

    @Test
    void columnsThatSimdgroupsShareAreSummedWithoutARace() {
        for (Run run : Run.all()) {
            multiplySharedColumns(run);
        }
    }

    static void multiplySharedColumns(Run run) {
        try (KernelBench bench = KernelBench.open(run, 70)) {
            multiply(bench, run, GgmlType.Q8_0, new Shape(5, 2080, 1));
        }
    }

    @ParameterizedTest
    @MethodSource("io.gemma4j.metal.RandomMatrix#types")
    void gateAndUpAreCombinedOnTheWay(GgmlType type) {
        try (KernelBench bench = KernelBench.open(Run.RANDOM, type.ordinal() + 100)) {
            Shape shape = Shape.random(bench, type, 2304, 5);
            RandomMatrix gate = RandomMatrix.of(type, shape.outputs, shape.columns, bench.random);
            RandomMatrix up = RandomMatrix.of(type, shape.outputs, shape.columns, bench.random);
            float[] x = bench.gaussians(shape.rows * shape.columns);
            MetalRows out = bench.empty(shape.rows, shape.outputs);
            new MetalMatvec(bench.kernels).geglu(bench.stream, bench.matrix(gate), bench.matrix(up), bench.rows(x, shape.columns), out, shape.rows);
            double[] expected = new double[shape.rows * shape.outputs];
            for (int i = 0; i < expected.length; i++) {
                int at = i / shape.outputs * shape.columns;
                expected[i] = gelu(gate.product(i % shape.outputs, x, at)) * up.product(i % shape.outputs, x, at);
            }
            assertClose(expected, bench.result(out.bytes()), 3 * TOLERANCE, type + " " + shape);
        }
    }

    @Test
    void aTallMatrixIsCutIntoMoreRowsPerSimdgroup() {
        try (KernelBench bench = KernelBench.open(Run.LIFO, 6)) {
            RandomMatrix weight = RandomMatrix.of(GgmlType.Q4_0, 1027, 64, bench.random);
            float[] x = bench.gaussians(64);
            MetalRows out = bench.empty(1, 1027);
            new MetalMatvec(bench.kernels).multiply(bench.stream, bench.matrix(weight), bench.rows(x, 64), out, 1);
            double[] expected = new double[1027];
            for (int n = 0; n < expected.length; n++) {
                expected[n] = weight.product(n, x, 0);
            }
            assertClose(expected, bench.result(out.bytes()), TOLERANCE, "tall");
        }
    }

    @Test
    void aGatedProductMultipliesWithGivenFactors() {
        for (Run run : Run.all()) {
            try (KernelBench bench = KernelBench.open(run, 7)) {
                Shape shape = new Shape(37, 320, 3);
                RandomMatrix weight = RandomMatrix.of(GgmlType.Q8_0, shape.outputs, shape.columns, bench.random);
                float[] x = bench.gaussians(shape.rows * shape.columns);
                float[] factors = bench.gaussians(shape.rows * 40);
                MetalRows out = bench.empty(shape.rows, shape.outputs);
                MetalRows wide = new MetalRows(bench.floats(factors), shape.outputs, 40);
                new MetalMatvec(bench.kernels).geluTimes(bench.stream, bench.matrix(weight), bench.rows(x, shape.columns), wide, out, shape.rows);
                double[] expected = new double[shape.rows * shape.outputs];
                for (int i = 0; i < expected.length; i++) {
                    int row = i / shape.outputs;
                    int n = i % shape.outputs;
                    expected[i] = gelu(weight.product(n, x, row * shape.columns)) * factors[row * 40 + n];
                }
                assertClose(expected, bench.result(out.bytes()), TOLERANCE, run.toString());
            }
        }
    }

    @Test
    void logitsAreCapped() {
        try (KernelBench bench = KernelBench.open(Run.FIFO, 8)) {
            RandomMatrix weight = RandomMatrix.of(GgmlType.Q6_K, 101, 256, bench.random);
            float[] x = bench.gaussians(256);
            MetalRows out = bench.empty(1, 101);
            new MetalMatvec(bench.kernels).softcapped(bench.stream, bench.matrix(weight), bench.rows(x, 256), 30, out, 1);
            double[] expected = new double[101];
            for (int n = 0; n < expected.length; n++) {
                expected[n] = 30 * Math.tanh(weight.product(n, x, 0) / 30);
            }
            assertClose(expected, bench.result(out.bytes()), TOLERANCE, "capped");
        }
    }

    @Test
    void aMatrixWhoseColumnsNoKernelTakesIsNamed() {
        try (KernelBench bench = KernelBench.open(Run.FIFO, 9)) {
            BufferSlice bytes = bench.floats(new float[48]);
            IllegalArgumentException failure = assertThrows(IllegalArgumentException.class,
                    () -> new MetalMatrix("blk.0.odd", bytes, GgmlType.F32, 1, 48));
            assertTrue(failure.getMessage().contains("blk.0.odd"), failure.getMessage());
        }
    }
}
