package io.gemma4j.metal;

import static io.gemma4j.metal.Closeness.assertClose;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gemma4j.metal.KernelBench.Run;
import io.gemma4j.metal.fake.MetalDriver;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(MetalDriver.class)
class MetalNormTest {
    private static final double TOLERANCE = 2e-6;
    private static final float EPSILON = 1e-3f;

    private static double[] rms(double[] x, int offset, int width, float[] norm) {
        double squares = 0;
        for (int i = 0; i < width; i++) {
            squares += x[offset + i] * x[offset + i];
        }
        double[] out = new double[width];
        for (int i = 0; i < width; i++) {
            out[i] = x[offset + i] / Math.sqrt(squares / width + EPSILON) * (norm == null ? 1 : norm[i]);
        }
        return out;
    }

    private static double[] doubles(float[] x) {
        double[] out = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            out[i] = x[i];
        }
        return out;
    }

    @Test
    void everyPartOfARowIsNormalisedByItself() {
        for (Run run : Run.all()) {
            for (int[] shape : new int[][] {{1, 1, 1}, {3, 2, 40}, {2, 1, 1537}, {1, 5, 256}, {1, 1, 5376}}) {
                int rows = shape[0];
                int groups = shape[1];
                int width = shape[2];
                for (boolean weighted : new boolean[] {false, true}) {
                    try (KernelBench bench = KernelBench.open(run, width)) {
                        float[] x = bench.gaussians(rows * groups * width);
                        float[] norm = weighted ? bench.gaussians(width) : null;
                        MetalRows out = bench.empty(rows, groups * width);
                        new MetalNorm(bench.kernels).rmsNorm(bench.stream, bench.rows(x, groups * width), weighted ? bench.floats(norm) : null, groups, EPSILON,
                                out, rows);
                        double[] expected = new double[x.length];
                        for (int at = 0; at < x.length; at += width) {
                            System.arraycopy(rms(doubles(x), at, width, norm), 0, expected, at, width);
                        }
                        assertClose(expected, bench.result(out.bytes()), TOLERANCE, run + " " + rows + " x " + groups + " x " + width);
                    }
                }
            }
        }
    }

    static void addition(Run run, boolean twoBranches, int nextInputs, int rows, int width) {
        try (KernelBench bench = KernelBench.open(run, width + nextInputs)) {
            float[] in = bench.gaussians(rows * width);
            float[] other = bench.gaussians(rows * width);
            float[] residual = bench.gaussians(rows * width);
            float[] norm = bench.gaussians(width);
            float[] inNorm = bench.gaussians(width);
            float[] otherNorm = bench.gaussians(width);
            float[][] nextNorms = new float[nextInputs][];
            List<MetalNorm.Weighted> next = new ArrayList<>();
            for (int i = 0; i < nextInputs; i++) {
                nextNorms[i] = bench.gaussians(width);
                next.add(new MetalNorm.Weighted(bench.empty(rows, width), bench.floats(nextNorms[i])));
            }
            MetalNorm kernels = new MetalNorm(bench.kernels);
            MetalRows out = bench.rows(residual, width);
            if (twoBranches) {
                kernels.addTwoBranches(bench.stream, new MetalNorm.Weighted(bench.rows(in, width), bench.floats(inNorm)),
                        new MetalNorm.Weighted(bench.rows(other, width), bench.floats(otherNorm)), bench.floats(norm), EPSILON, out, 0.75f, next, rows);
            } else {
                kernels.addRmsNorm(bench.stream, bench.rows(in, width), bench.floats(norm), EPSILON, out, 0.75f, next, rows);
            }
            double[] expected = new double[rows * width];
            double[][] expectedNext = new double[nextInputs][rows * width];
            for (int at = 0; at < expected.length; at += width) {
                double[] branch = new double[width];
                double[] first = rms(doubles(in), at, width, inNorm);
                double[] second = rms(doubles(other), at, width, otherNorm);
                for (int i = 0; i < width; i++) {
                    branch[i] = twoBranches ? first[i] + second[i] : in[at + i];
                }
                double[] added = rms(branch, 0, width, norm);
                for (int i = 0; i < width; i++) {
                    expected[at + i] = (residual[at + i] + added[i]) * 0.75;
                }
                for (int n = 0; n < nextInputs; n++) {
                    System.arraycopy(rms(expected, at, width, nextNorms[n]), 0, expectedNext[n], at, width);
                }
            }
            String what = run + (twoBranches ? " two branches" : " one branch") + ", width " + width;
            assertClose(expected, bench.result(out.bytes()), TOLERANCE, what);
            for (int n = 0; n < nextInputs; n++) {
                assertClose(expectedNext[n], bench.result(next.get(n).rows().bytes()), TOLERANCE, what + ", next input " + n);
            }
        }
    }

    @Test
    void theResidualGrowsByTheNormalisedBranchAndBecomesTheNextInputs() {
        for (Run run : Run.all()) {
            for (int nextInputs = 0; nextInputs <= MetalNorm.MAX_NEXT_INPUTS; nextInputs++) {
                addition(run, false, nextInputs, 2, 33 + 100 * nextInputs);
                addition(run, true, nextInputs, 2, 1 + 500 * nextInputs);
            }
        }
    }

    @Test
    void wideRowsTakeNoMoreThreadsThanTheCompiledKernelAllows() {
        MetalDriver.fake().set("maxPipelineThreads", 400);
        addition(Run.FIFO, false, 1, 1, 5376);
    }

    @Test
    void moreNextInputsThanAPassMakesAreRefused() {
        try (KernelBench bench = KernelBench.open(Run.FIFO, 1)) {
            MetalRows rows = bench.empty(1, 4);
            BufferSlice norm = bench.floats(1, 1, 1, 1);
            MetalNorm.Weighted next = new MetalNorm.Weighted(rows, norm);
            MetalNorm kernels = new MetalNorm(bench.kernels);
            assertThrows(IllegalArgumentException.class,
                    () -> kernels.addRmsNorm(bench.stream, rows, norm, EPSILON, rows, 1, List.of(next, next, next, next), 1));
        }
    }
}
