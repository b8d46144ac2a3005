package io.gemma4j.metal;

import static io.gemma4j.metal.Closeness.assertClose;

import io.gemma4j.backend.RopeFrequencies;
import io.gemma4j.metal.KernelBench.Run;
import io.gemma4j.metal.fake.MetalDriver;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(MetalDriver.class)
class MetalRopeTest {

    private static void rotate(Run run, int headDim, int heads, RopeFrequencies rope, int... positions) {
        try (KernelBench bench = KernelBench.open(run, headDim)) {
            int width = heads * headDim;
            float[] x = bench.gaussians(positions.length * width);
            MetalRows rows = bench.rows(x, width);
            bench.closing(new MetalRope(bench.device, bench.kernels)).ropeHalfSplit(bench.stream, rows, heads, rope, bench.ints(positions),
                    positions.length);
            double[] expected = new double[x.length];
            int pairs = headDim / 2;
            for (int at = 0; at < x.length; at += headDim) {
                for (int i = 0; i < pairs; i++) {
                    double angle = positions[at / width] * rope.inverseFrequencies()[i];
                    expected[at + i] = x[at + i] * Math.cos(angle) - x[at + i + pairs] * Math.sin(angle);
                    expected[at + i + pairs] = x[at + i] * Math.sin(angle) + x[at + i + pairs] * Math.cos(angle);
                }
            }
            assertClose(expected, bench.result(rows.bytes()), 5e-7, run + ", heads of " + headDim);
        }
    }

    @Test
    void pairsTurnByThePositionTimesTheirFrequency() {
        for (Run run : Run.all()) {
            rotate(run, 16, 3, RopeFrequencies.of(16, 1e4, null), 0, 1, 5);
            rotate(run, 256, 2, RopeFrequencies.of(256, 1e4, null), 1000);
        }
    }

    @Test
    void anglesStayExactAtTheEndOfALongContext() {
        rotate(Run.FIFO, 512, 1, RopeFrequencies.of(512, 1e6, null), 262143, 131071, 99991);
    }

    @Test
    void pairsWithAHugeFactorDoNotTurn() {
        float[] factors = new float[32];
        Arrays.fill(factors, 1e30f);
        Arrays.fill(factors, 0, 8, 1);
        rotate(Run.FIFO, 64, 2, RopeFrequencies.of(64, 1e6, factors), 100000);
    }
}
