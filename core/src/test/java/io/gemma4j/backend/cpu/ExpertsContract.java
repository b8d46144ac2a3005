package io.gemma4j.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gemma4j.CpuKernels;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.QuantizedTensor;
import io.gemma4j.tensor.RandomBlocks;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Routing of rows to experts, the experts' products and their sum, against the definition in double precision. */
abstract class ExpertsContract extends CpuContract {

    ExpertsContract(CpuKernels kernels) {
        super(kernels);
    }

    static List<GgmlType> types() {
        return RandomBlocks.types();
    }

    @RepeatedTest(20)
    void routingIsTheRenormalizedSoftmaxOfTheLargest(RepetitionInfo repetition) {
        Random random = new Random(repetition.getCurrentRepetition());
        int experts = random.nextInt(1, 130);
        // every third time all of them
        int perRow = repetition.getCurrentRepetition() % 3 == 0 ? experts : random.nextInt(1, experts + 1);
        int rows = random.nextInt(1, 6);
        float[][] logits = uniform(rows, experts, 8, random);
        for (float[] row : logits) {
            if (random.nextBoolean()) {
                setAll(row, i -> Math.round(row[i])); // many ties
            }
        }
        float[] scale = uniform(1, experts, 2, random)[0];
        CpuRouting routing = (CpuRouting) backend.allocateRouting(rows, perRow);
        backend.routeExperts(activations(logits), vector(scale), routing, rows);
        for (int row = 0; row < rows; row++) {
            float[] of = logits[row];
            double total = IntStream.range(0, experts).mapToDouble(i -> Math.exp(of[i])).sum();
            int[] largest = IntStream.range(0, experts).boxed().sorted(Comparator.<Integer>comparingDouble(i -> -of[i]).thenComparing(i -> i))
                    .limit(perRow).mapToInt(i -> i).toArray();
            double kept = IntStream.of(largest).mapToDouble(i -> Math.exp(of[i]) / total).sum();
            for (int j = 0; j < perRow; j++) {
                int slot = row * perRow + j;
                assertEquals(largest[j], routing.experts()[slot], "choice " + j + " of " + Arrays.toString(of));
                double expected = Math.exp(of[largest[j]]) / total / kept * scale[largest[j]];
                assertEquals(expected, routing.weights()[slot], 1e-6 * Math.abs(expected));
            }
        }
    }

    @Test
    void hugeRouterLogitsStillGiveWeights() {
        CpuRouting routing = (CpuRouting) backend.allocateRouting(1, 2);
        backend.routeExperts(activations(new float[][] {{-3e38f, 3e38f, 3e38f, 0}}), vector(new float[] {1, 1, 1, 1}), routing, 1);
        assertEquals(List.of(1, 2), List.of(routing.experts()[0], routing.experts()[1]));
        assertEquals(0.5, routing.weights()[0], 1e-7);
        assertEquals(0.5, routing.weights()[1], 1e-7);
    }

    @ParameterizedTest
    @MethodSource("types")
    void eachSlotIsMultipliedWithItsOwnExpert(GgmlType type) {
        Random random = new Random(type.ordinal());
        for (int rows : new int[] {1, 3, 9}) {
            for (boolean inputPerExpert : new boolean[] {true, false}) {
                int experts = 5;
                int perRow = random.nextInt(1, 4);
                int outputs = random.nextInt(1, 40);
                int columns = type.blockElements() == 1 ? 37 : 2 * type.blockElements();
                Matrix stack = Matrix.random(type, experts * outputs, columns, random);
                CpuRouting routing = routing(rows, perRow, new int[] {0, 1, 2, 3, 4}, random);
                compare(stack, outputs, routing, inputPerExpert, rows, random);
            }
        }
    }

    private void compare(Matrix stack, int outputs, CpuRouting routing, boolean inputPerExpert, int rows, Random random) {
        int perRow = routing.expertsPerRow();
        float[][] x = uniform(inputPerExpert ? rows * perRow : rows, stack.tensor().columns(), 1, random);
        CpuActivations out = blank(rows * perRow, outputs);
        backend.expertMatmul(upload(stack), activations(x), inputPerExpert, routing, out, rows);
        assertRows(out, rows * perRow,
                (slot, output) -> MatmulContract.product(stack.values()[routing.experts()[slot] * outputs + output],
                        x[inputPerExpert ? slot : slot / perRow]),
                () -> rows + " rows, " + perRow + " experts each, " + stack.tensor());
    }

    @Test
    void fusedGateAndUpRowsLandBesideEachOther() {
        Random random = new Random(2);
        Matrix gateUp = Matrix.random(GgmlType.Q4_K, 3 * 2 * 19, 256, random);
        CpuRouting routing = routing(4, 2, new int[] {0, 1, 2}, random);
        float[][] x = uniform(4, 256, 1, random);
        CpuActivations both = blank(8, 38);
        backend.expertMatmul(upload(gateUp), activations(x), false, routing, both, 4);
        CpuActivations up = both.columns(19, 19);
        for (int slot = 0; slot < 8; slot++) {
            for (int i = 0; i < 19; i++) {
                Bounded expected = MatmulContract.product(gateUp.values()[routing.experts()[slot] * 38 + 19 + i], x[slot / 2]);
                assertEquals(expected.value(), up.data()[up.row(slot) + i], expected.bound());
            }
        }
    }

    @Test
    void expertsThatNobodyChoseAreNotTouched() {
        Random random = new Random(3);
        float[] values = new float[4 * 6 * 16];
        setAll(values, i -> i / (6 * 16) == 2 ? random.nextFloat() : Float.NaN);
        Matrix onlyTheThird = new Matrix(QuantizedTensor.of("experts", GgmlType.F32, 24, 16, littleEndian(values)), new float[24][16]);
        for (int row = 0; row < 24; row++) {
            System.arraycopy(values, row * 16, onlyTheThird.values()[row], 0, 16);
        }
        compare(onlyTheThird, 6, routing(3, 1, new int[] {2}, random), false, 3, random);
    }

    @Test
    void expertsInSeveralPartsAreFound() {
        Random random = new Random(4);
        Matrix stack = Matrix.joined(Matrix.random(GgmlType.Q8_0, 7, 64, random), Matrix.random(GgmlType.Q8_0, 14, 64, random));
        compare(stack, 7, routing(6, 2, new int[] {0, 1, 2}, random), true, 6, random);
    }

    @RepeatedTest(5)
    void combineSumsTheSlotsOfARowByWeight(RepetitionInfo repetition) {
        Random random = new Random(repetition.getCurrentRepetition());
        int rows = random.nextInt(1, 5);
        int perRow = random.nextInt(1, 9);
        int width = random.nextInt(1, 100);
        CpuRouting routing = routing(rows, perRow, IntStream.range(0, 9).toArray(), random);
        float[][] x = uniform(rows * perRow, width, 1, random);
        CpuActivations out = blank(rows, width);
        backend.combineExperts(activations(x), routing, out, rows);
        assertRows(out, rows, (row, column) -> {
            double sum = 0;
            for (int slot = row * perRow; slot < (row + 1) * perRow; slot++) {
                sum += (double) routing.weights()[slot] * x[slot][column];
            }
            return new Bounded(sum, 2e-6);
        }, repetition::toString);
    }

    /** Different experts of {@code from} for each slot of a row. */
    private CpuRouting routing(int rows, int perRow, int[] from, Random random) {
        CpuRouting routing = (CpuRouting) backend.allocateRouting(rows, perRow);
        for (int row = 0; row < rows; row++) {
            int[] choice = from.clone();
            for (int j = 0; j < perRow; j++) {
                int other = random.nextInt(j, choice.length);
                int expert = choice[other];
                choice[other] = choice[j];
                choice[j] = expert;
                routing.experts()[row * perRow + j] = expert;
                routing.weights()[row * perRow + j] = random.nextFloat(-1, 1);
            }
        }
        return routing;
    }
}
