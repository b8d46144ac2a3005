package io.gemma4j.metal;

import static io.gemma4j.metal.Closeness.assertClose;
import static io.gemma4j.metal.Closeness.gelu;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gemma4j.gguf.GgmlType;
import io.gemma4j.metal.KernelBench.Run;
import io.gemma4j.metal.fake.MetalDriver;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@ExtendWith(MetalDriver.class)
class MetalExpertsTest {

    /** Logits, and what the definition makes of them. */
    private static final class Routed {
        final int experts;
        final int perRow;
        final int rows;
        final float[] logits;
        final float[] scale;
        final int[] chosen;
        final double[] weights;

        Routed(KernelBench bench, int experts, int perRow, int rows) {
            this.experts = experts;
            this.perRow = perRow;
            this.rows = rows;
            logits = bench.gaussians(rows * experts);
            // Equal logits go to the lower index.
            logits[experts - 1] = logits[0];
            scale = bench.gaussians(experts);
            chosen = new int[rows * perRow];
            weights = new double[rows * perRow];
            for (int r = 0; r < rows; r++) {
                int row = r;
                int[] best = IntStream.range(0, experts).boxed()
                        .sorted(Comparator.comparingDouble((Integer e) -> -logits[row * experts + e]).thenComparing(e -> e)).limit(perRow)
                        .mapToInt(Integer::intValue).toArray();
                double total = IntStream.of(best).mapToDouble(e -> Math.exp(logits[row * experts + e])).sum();
                for (int j = 0; j < perRow; j++) {
                    chosen[r * perRow + j] = best[j];
                    weights[r * perRow + j] = Math.exp(logits[r * experts + best[j]]) / total * scale[best[j]];
                }
            }
        }

        MetalExperts.Slots run(KernelBench bench, MetalExperts kernels) {
            MetalExperts.Slots slots = new MetalExperts.Slots(bench.ints(new int[rows * perRow]), bench.floats(new float[rows * perRow]), perRow);
            kernels.route(bench.stream, bench.rows(logits, experts), bench.floats(scale), slots, rows);
            return slots;
        }
    }

    private static MetalExperts open(KernelBench bench) {
        return bench.closing(new MetalExperts(bench.device, bench.kernels, new MetalMatvec(bench.kernels)));
    }

    @Test
    void theBestExpertsOfEachRowAreChosenWithTheirShareOfTheSoftmax() {
        for (Run run : Run.all()) {
            for (int[] shape : new int[][] {{128, 8, 5}, {3, 3, 1}, {37, 1, 9}, {70, 32, 2}}) {
                try (KernelBench bench = KernelBench.open(run, shape[0])) {
                    Routed routed = new Routed(bench, shape[0], shape[1], shape[2]);
                    MetalExperts.Slots slots = routed.run(bench, open(bench));
                    assertArrayEquals(routed.chosen, bench.resultInts(slots.experts()), run + ", " + shape[0] + " experts");
                    assertClose(routed.weights, bench.result(slots.weights()), 1e-6, run + ", " + shape[0] + " experts");
                }
            }
        }
    }

    @Test
    void moreExpertsPerRowThanThereAreAreRefused() {
        try (KernelBench bench = KernelBench.open(Run.FIFO, 1)) {
            MetalExperts kernels = open(bench);
            MetalExperts.Slots slots = new MetalExperts.Slots(bench.ints(0, 0), bench.floats(0, 0), 2);
            assertThrows(IllegalArgumentException.class, () -> kernels.route(bench.stream, bench.empty(1, 1), bench.floats(1), slots, 1));
        }
    }

    static void multiply(Run run, GgmlType type, int rows, boolean inputPerExpert) {
        try (KernelBench bench = KernelBench.open(run, type.ordinal() + rows)) {
            int perRow = 2 + bench.random.nextInt(2);
            Routed routed = new Routed(bench, 5, perRow, rows);
            int outputs = 1 + bench.random.nextInt(80);
            int columns = RandomMatrix.columnUnit(type);
            // Of each expert's rows only the later ones are multiplied with, as those of up are.
            int skipped = 4;
            int expertRows = outputs + skipped;
            RandomMatrix all = RandomMatrix.of(type, 5 * expertRows, columns, bench.random);
            int slotCount = rows * perRow;
            int slotsPerInputRow = inputPerExpert ? 1 : perRow;
            float[] x = bench.gaussians(slotCount / slotsPerInputRow * columns);
            MetalRows out = bench.empty(slotCount, outputs);
            MetalExperts kernels = open(bench);
            MetalExperts.Slots slots = routed.run(bench, kernels);
            MetalMatrix first = bench.matrix(all).rows(skipped, 5 * expertRows - skipped).limit(outputs);
            kernels.multiply(bench.stream, new MetalExperts.Matrices(first, expertRows), bench.rows(x, columns), slotsPerInputRow, slots, out, rows);
            double[] expected = new double[slotCount * outputs];
            for (int i = 0; i < expected.length; i++) {
                int slot = i / outputs;
                expected[i] = all.product(routed.chosen[slot] * expertRows + skipped + i % outputs, x, slot / slotsPerInputRow * columns);
            }
            assertClose(expected, bench.result(out.bytes()), 5e-4, run + " " + type + ", " + rows + " rows");
        }
    }

    @ParameterizedTest
    @MethodSource("io.gemma4j.metal.RandomMatrix#types")
    void fewSlotsAreMultipliedWithTheirExperts(GgmlType type) {
        multiply(Run.RANDOM, type, 3, type.ordinal() % 2 == 0);
    }

    @ParameterizedTest
    @MethodSource("io.gemma4j.metal.RandomMatrix#types")
    void manySlotsAreMultipliedWithTheirExperts(GgmlType type) {
        multiply(Run.RANDOM, type, 40, type.ordinal() % 2 == 0);
    }

    @Test
    void slotsAreMultipliedWithoutARaceInAnyOrder() {
        for (Run run : Run.all()) {
            multiply(run, GgmlType.Q4_K, 2, false);
            multiply(run, GgmlType.Q8_0, 35, true);
        }
    }

    @Test
    void gateAndUpOfFewSlotsAreCombinedOnTheWay() {
        for (Run run : Run.all()) {
            try (KernelBench bench = KernelBench.open(run, 77)) {
                Routed routed = new Routed(bench, 4, 2, 3);
                int width = 24;
                RandomMatrix all = RandomMatrix.of(GgmlType.Q5_0, 4 * 2 * width, 96, bench.random);
                float[] x = bench.gaussians(3 * 96);
                MetalRows out = bench.empty(6, width);
                MetalExperts kernels = open(bench);
                MetalExperts.Slots slots = routed.run(bench, kernels);
                MetalMatrix weights = bench.matrix(all);
                kernels.gatedMultiply(bench.stream, new MetalExperts.Matrices(weights.limit(width), 2 * width),
                        new MetalExperts.Matrices(weights.rows(width, 7 * width).limit(width), 2 * width), bench.rows(x, 96), 2, slots, out, 3);
                double[] expected = new double[6 * width];
                for (int i = 0; i < expected.length; i++) {
                    int gate = routed.chosen[i / width] * 2 * width + i % width;
                    int at = i / width / 2 * 96;
                    expected[i] = gelu(all.product(gate, x, at)) * all.product(gate + width, x, at);
                }
                assertClose(expected, bench.result(out.bytes()), 5e-6, run.toString());
            }
        }
    }

    @Test
    void resultsOfARowsExpertsAreSummedWithTheirWeights() {
        for (Run run : Run.all()) {
            try (KernelBench bench = KernelBench.open(run, 78)) {
                int width = 300;
                float[] in = bench.gaussians(2 * 3 * width);
                float[] weights = bench.gaussians(6);
                MetalExperts.Slots slots = new MetalExperts.Slots(bench.ints(new int[6]), bench.floats(weights), 3);
                MetalRows out = bench.empty(2, width);
                open(bench).combine(bench.stream, bench.rows(in, width), slots, out, 2);
                double[] expected = new double[2 * width];
                for (int i = 0; i < in.length; i++) {
                    expected[i / width / 3 * width + i % width] += (double) weights[i / width] * in[i];
                }
                assertClose(expected, bench.result(out.bytes()), 1e-6, run.toString());
            }
        }
    }
}
