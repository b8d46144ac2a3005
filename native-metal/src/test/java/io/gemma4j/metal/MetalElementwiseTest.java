package io.gemma4j.metal;

import static io.gemma4j.metal.Closeness.assertClose;
import static io.gemma4j.metal.Closeness.gelu;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gemma4j.gguf.GgmlType;
import io.gemma4j.metal.KernelBench.Run;
import io.gemma4j.metal.fake.MetalDriver;
import java.util.Arrays;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@ExtendWith(MetalDriver.class)
class MetalElementwiseTest {
    private static final double TOLERANCE = 1e-6;
    private static final int ROWS = 3;
    private static final int WIDTH = 299;

    private static double[] each(IntToDoubleFunction value) {
        return IntStream.range(0, ROWS * WIDTH).mapToDouble(value).toArray();
    }

    @ParameterizedTest
    @MethodSource("io.gemma4j.metal.RandomMatrix#types")
    void anEmbeddingIsThePartOfTheTokensRowTimesTheScale(GgmlType type) {
        for (Run run : new Run[] {Run.FIFO, MetalDriver.isReal() ? Run.FIFO : Run.CHECKED}) {
            try (KernelBench bench = KernelBench.open(run, type.ordinal())) {
                int columns = 3 * RandomMatrix.columnUnit(type);
                RandomMatrix table = RandomMatrix.of(type, 9, columns, bench.random);
                int[] tokens = {8, 0, 3, 3};
                int firstColumn = 16 * bench.random.nextInt(columns / 16);
                int width = 16 * (1 + bench.random.nextInt((columns - firstColumn) / 16));
                MetalRows out = bench.empty(tokens.length, width);
                new MetalElementwise(bench.kernels).embed(bench.stream, bench.matrix(table), bench.ints(tokens), firstColumn, 7.5f, out, tokens.length);
                double[] expected = new double[tokens.length * width];
                for (int i = 0; i < expected.length; i++) {
                    expected[i] = 7.5 * table.values()[tokens[i / width] * columns + firstColumn + i % width];
                }
                assertClose(expected, bench.result(out.bytes()), TOLERANCE, run + " " + type);
            }
        }
    }

    @Test
    void columnsThatAreNotInTheTableAreRefused() {
        try (KernelBench bench = KernelBench.open(Run.FIFO, 1)) {
            MetalMatrix table = bench.matrix(RandomMatrix.of(GgmlType.F32, 2, 32, bench.random));
            MetalElementwise kernels = new MetalElementwise(bench.kernels);
            assertThrows(IllegalArgumentException.class, () -> kernels.embed(bench.stream, table, bench.ints(0), 16, 1, bench.empty(1, 32), 1));
        }
    }

    @Test
    void rowsAreGatedAddedScaledCappedAndCopied() {
        for (Run run : Run.all()) {
            try (KernelBench bench = KernelBench.open(run, 2)) {
                MetalElementwise kernels = new MetalElementwise(bench.kernels);
                float[] x = bench.gaussians(ROWS * WIDTH);
                float[] y = bench.gaussians(ROWS * WIDTH);
                x[0] = 60;
                x[1] = -60;
                MetalRows out = bench.empty(ROWS, WIDTH);
                MetalRows ys = bench.rows(y, WIDTH);

                kernels.geglu(bench.stream, bench.rows(x, WIDTH), ys, out, ROWS);
                assertClose(each(i -> gelu(x[i]) * y[i]), bench.result(out.bytes()), TOLERANCE, run + " geglu");

                kernels.copy(bench.stream, bench.rows(x, WIDTH), out, ROWS);
                assertArrayEquals(x, bench.result(out.bytes()));

                kernels.add(bench.stream, out, ys, 0.5f, ROWS);
                assertClose(each(i -> (x[i] + (double) y[i]) * 0.5), bench.result(out.bytes()), TOLERANCE, run + " add");

                kernels.scale(bench.stream, out, 3, ROWS);
                assertClose(each(i -> (x[i] + (double) y[i]) * 1.5), bench.result(out.bytes()), TOLERANCE, run + " scale");

                MetalRows capped = bench.rows(x, WIDTH);
                kernels.softcap(bench.stream, capped, 3, ROWS);
                assertClose(each(i -> 3 * Math.tanh(x[i] / 3.0)), bench.result(capped.bytes()), TOLERANCE, run + " softcap");
            }
        }
    }

    @Test
    void rowsThatWantLogitsAreMovedToTheFrontAlsoInPlace() {
        for (Run run : Run.all()) {
            try (KernelBench bench = KernelBench.open(run, 3)) {
                float[] x = bench.gaussians(5 * WIDTH);
                MetalRows rows = bench.rows(x, WIDTH);
                new MetalElementwise(bench.kernels).gatherLogitRows(bench.stream, rows, bench.ints(1, 2, 4), rows, 3);
                float[] expected = x.clone();
                System.arraycopy(x, WIDTH, expected, 0, 2 * WIDTH);
                System.arraycopy(x, 4 * WIDTH, expected, 2 * WIDTH, WIDTH);
                assertArrayEquals(Arrays.copyOf(expected, 3 * WIDTH), Arrays.copyOf(bench.result(rows.bytes()), 3 * WIDTH), run.toString());
            }
        }
    }
}
