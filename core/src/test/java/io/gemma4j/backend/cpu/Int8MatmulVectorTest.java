package io.gemma4j.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.gemma4j.CpuKernels;
import io.gemma4j.backend.cpu.kernel.Int8Row;
import io.gemma4j.backend.cpu.kernel.RoundedProduct;
import io.gemma4j.backend.cpu.kernel.ScalarFloatKernels;
import io.gemma4j.backend.cpu.vector.VectorInt8;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.QuantizedTensor;
import io.gemma4j.tensor.RandomBlocks;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Products with matrices outside the Java heap: one row of activations is rounded, several are not. */
class Int8MatmulVectorTest extends CpuContract {
    private static final int[] OUTPUTS = {1, 3, 18, 63, 64, 65, 200};

    private final Arena arena = Arena.ofShared();

    Int8MatmulVectorTest() {
        super(CpuKernels.INT8);
    }

    @AfterAll
    void free() {
        arena.close();
    }

    static List<GgmlType> types() {
        return RandomBlocks.types().stream().filter(type -> VectorInt8.of(type).isPresent()).toList();
    }

    /** A copy of the matrix outside the Java heap, each part at an odd address of its own. */
    private Matrix outsideTheHeap(Matrix matrix) {
        QuantizedTensor tensor = matrix.tensor();
        QuantizedTensor[] parts = tensor.parts().stream().map(part -> {
            MemorySegment bytes = arena.allocate(part.bytes().byteSize() + 1, 64).asSlice(1).copyFrom(part.bytes());
            return QuantizedTensor.of(tensor.name(), tensor.type(), part.rows(), tensor.columns(), bytes);
        }).toArray(QuantizedTensor[]::new);
        return new Matrix(QuantizedTensor.concatRows(tensor.name(), parts), matrix.values());
    }

    private static Matrix random(GgmlType type, int rows, Random random) {
        return Matrix.random(type, rows, 512, random);
    }

    private static Matrix joined(GgmlType type, int[] rowsOfParts, Random random) {
        return Matrix.joined(IntStream.of(rowsOfParts).mapToObj(rows -> random(type, rows, random)).toArray(Matrix[]::new));
    }

    /** What the product of a row with rounded activations has to be. */
    private static Bounded roundedProduct(Matrix matrix, long row, float[] x) {
        QuantizedTensor only = matrix.tensor().rows(row, 1);
        Int8Row rounded = new Int8Row(x.length);
        int group = VectorInt8.of(only.type()).orElseThrow().group();
        rounded.quantize(x, 0, x.length, group, new ScalarFloatKernels());
        RoundedProduct product = RoundedProduct.of(only.type(), only.parts().getFirst().bytes().toArray(ValueLayout.JAVA_BYTE), rounded, group);
        return new Bounded(product.value(), product.bound());
    }

    private void compareRounded(Matrix matrix, Random random) {
        float[][] x = uniform(1, matrix.tensor().columns(), 1, random);
        CpuActivations out = blank(1, (int) matrix.tensor().rows());
        CpuWeight weight = upload(matrix);
        assertNotNull(weight.int8Kernel());
        backend.matmul(weight, activations(x), out, 1);
        assertRows(out, 1, (row, output) -> roundedProduct(matrix, output, x[0]), () -> matrix.tensor().toString());
    }

    private void compareExact(Matrix matrix, int rows, Random random) {
        float[][] x = uniform(rows, matrix.tensor().columns(), 1, random);
        CpuActivations out = blank(rows, (int) matrix.tensor().rows());
        backend.matmul(upload(matrix), activations(x), out, rows);
        assertRows(out, rows, (row, output) -> MatmulContract.product(matrix.values()[output], x[row]), () -> rows + " rows, " + matrix.tensor());
    }

    @ParameterizedTest
    @MethodSource("types")
    void oneRowIsRoundedForEveryOutputCount(GgmlType type) {
        Random random = new Random(type.ordinal());
        for (int outputs : OUTPUTS) {
            compareRounded(outsideTheHeap(random(type, outputs, random)), random);
        }
    }

    @ParameterizedTest
    @MethodSource("types")
    void widthsMayFollowEachOtherInAnyOrder(GgmlType type) {
        Random random = new Random(type.ordinal());
        for (int columns : new int[] {512, 256, 5 * 256, 256}) {
            compareRounded(outsideTheHeap(Matrix.random(type, 5, columns, random)), random);
        }
    }

    @ParameterizedTest
    @MethodSource("types")
    void rowsOfAllPartsOfAJoinedMatrixAreUsed(GgmlType type) {
        Random random = new Random(type.ordinal());
        for (int[] rowsOfParts : new int[][] {{1, 1}, {64, 64}, {63, 2, 65}, {130, 1, 3, 70}}) {
            compareRounded(outsideTheHeap(joined(type, rowsOfParts, random)), random);
        }
    }

    @ParameterizedTest
    @MethodSource("types")
    void severalRowsAreNotRounded(GgmlType type) {
        Random random = new Random(type.ordinal());
        for (int rows : new int[] {2, 5}) {
            compareExact(outsideTheHeap(joined(type, new int[] {18, 3}, random)), rows, random);
        }
    }

    @ParameterizedTest
    @MethodSource("types")
    void matricesThatAreInPartOnTheJavaHeapAreNotRounded(GgmlType type) {
        Random random = new Random(type.ordinal());
        Matrix heap = random(type, 7, random);
        Matrix half = Matrix.joined(outsideTheHeap(random(type, 70, random)), heap);
        assertNull(upload(half).int8Kernel());
        compareExact(half, 1, random);
        compareExact(heap, 1, random);
    }

    @ParameterizedTest
    @MethodSource("types")
    void expertsOfOneRowTakeItRounded(GgmlType type) {
        Random random = new Random(type.ordinal());
        for (int outputs : new int[] {1, 7, 16, 37}) {
            // parts that end within an expert
            int[] rowsOfParts = outputs == 1 ? new int[] {2, 3} : new int[] {outputs + 1, 1, 4 * outputs - 2};
            Matrix stack = outsideTheHeap(joined(type, rowsOfParts, random));
            for (boolean inputPerExpert : new boolean[] {true, false}) {
                compareExperts(stack, outputs, new int[] {3, 0, 4}, inputPerExpert, 1, random);
                compareExperts(stack, outputs, new int[] {2}, inputPerExpert, 1, random);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("types")
    void expertsOfSeveralRowsDoNotRound(GgmlType type) {
        Random random = new Random(type.ordinal());
        Matrix stack = outsideTheHeap(random(type, 5 * 18, random));
        for (boolean inputPerExpert : new boolean[] {true, false}) {
            compareExperts(stack, 18, new int[] {3, 0, 4, 1, 2, 3}, inputPerExpert, 3, random);
        }
    }

    private void compareExperts(Matrix stack, int outputs, int[] experts, boolean inputPerExpert, int rows, Random random) {
        int perRow = experts.length / rows;
        CpuRouting routing = (CpuRouting) backend.allocateRouting(rows, perRow);
        System.arraycopy(experts, 0, routing.experts(), 0, experts.length);
        Arrays.fill(routing.weights(), 1);
        float[][] x = uniform(inputPerExpert ? experts.length : rows, stack.tensor().columns(), 1, random);
        CpuActivations out = blank(experts.length, outputs);
        backend.expertMatmul(upload(stack), activations(x), inputPerExpert, routing, out, rows);
        assertRows(out, experts.length, (slot, output) -> {
            int weightRow = experts[slot] * outputs + output;
            float[] input = x[inputPerExpert ? slot : slot / perRow];
            return rows == 1 ? roundedProduct(stack, weightRow, input) : MatmulContract.product(stack.values()[weightRow], input);
        }, () -> rows + " rows, " + perRow + " experts each, " + stack.tensor());
    }
}
