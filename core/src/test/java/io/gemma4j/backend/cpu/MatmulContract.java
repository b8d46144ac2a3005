package io.gemma4j.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gemma4j.CpuKernels;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.RandomBlocks;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Products of activations with matrices of every type, against sums in double precision. */
abstract class MatmulContract extends CpuContract {
    /** Relative to the sum of the absolute products: single precision sums of at most a thousand, in any order. */
    private static final double BOUND = 4e-6;

    private static final int[] ROWS = {1, 2, 3, 5, 17};
    /** No multiples of a tile, and a whole number of the larger tasks and one more. */
    private static final int[] OUTPUTS = {1, 3, 18, 63, 65};

    MatmulContract(CpuKernels kernels) {
        super(kernels);
    }

    static List<GgmlType> types() {
        return RandomBlocks.types();
    }

    @ParameterizedTest
    @MethodSource("types")
    void everyRowCountAndOutputCountGivesTheSumsOfProducts(GgmlType type) {
        Random random = new Random(type.ordinal());
        for (int rows : ROWS) {
            for (int outputs : OUTPUTS) {
                int columns = type.blockElements() == 1 ? random.nextInt(1, 200) : type.blockElements() * random.nextInt(1, 4);
                compare(Matrix.random(type, outputs, columns, random), rows, random);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("types")
    void rowsOfAllPartsOfAJoinedMatrixAreUsed(GgmlType type) {
        Random random = new Random(100 + type.ordinal());
        int columns = 2 * type.blockElements();
        for (int rows : ROWS) {
            List<Matrix> parts = new ArrayList<>();
            for (int part = random.nextInt(2, 5); part > 0; part--) {
                parts.add(Matrix.random(type, random.nextInt(1, 40), columns, random));
            }
            compare(Matrix.joined(parts.toArray(Matrix[]::new)), rows, random);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 9})
    void hugeActivationsDoNotOverflow(int rows) {
        Random random = new Random(3);
        Matrix weights = Matrix.random(GgmlType.Q8_0, 20, 256, random);
        float[][] x = uniform(rows, 256, 1e30f, random);
        compare(weights, x);
    }

    @Test
    void matricesThatAreNoVectorAreRefusedAsNorm() {
        CpuWeight matrix = upload(Matrix.random(GgmlType.F32, 2, 8, new Random(4)));
        CpuActivations x = activations(new float[1][8]);
        assertThrows(IllegalArgumentException.class, () -> backend.rmsNorm(x, matrix, 1, 1e-6f, x, 1));
    }

    private void compare(Matrix weights, int rows, Random random) {
        compare(weights, uniform(rows, weights.tensor().columns(), 1, random));
    }

    private void compare(Matrix weights, float[][] x) {
        int outputs = (int) weights.tensor().rows();
        CpuActivations out = blank(x.length, outputs);
        backend.matmul(upload(weights), activations(x), out, x.length);
        assertRows(out, x.length, (row, output) -> product(weights.values()[output], x[row]), () -> x.length + " rows, " + weights.tensor());
    }

    static Bounded product(float[] weights, float[] x) {
        double sum = 0;
        double magnitude = 0;
        for (int i = 0; i < x.length; i++) {
            sum += (double) weights[i] * x[i];
            magnitude += Math.abs((double) weights[i] * x[i]);
        }
        return new Bounded(sum, BOUND * magnitude);
    }
}
