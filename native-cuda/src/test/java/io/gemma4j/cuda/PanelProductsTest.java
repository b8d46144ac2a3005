package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.BlockFormats;
import io.gemma4j.tensor.QuantizedTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Products on tensor cores, with the instructions of every device that can be tried here, against sums in double precision. */
@Gpu
class PanelProductsTest {
    /** Inputs and weights rounded to 11 bits. */
    private static final double BOUND = 1e-3;

    private CudaContext context;
    private CudaStream stream;
    private KernelLibrary kernels;
    private TilePermutation permutation;
    private WeightStore store;

    @BeforeEach
    void open() {
        context = new CudaContext(CudaDevice.of(0));
        stream = new CudaStream(context);
        kernels = new KernelLibrary(context);
        permutation = new TilePermutation(kernels, stream);
        store = new WeightStore(stream, permutation);
    }

    @AfterEach
    void close() {
        store.close();
        kernels.close();
        stream.close();
        context.close();
    }

    @TestFactory
    Stream<DynamicTest> productsOfSingleWarpsAndOfWarpgroups() {
        return Stream.of(false, true).filter(warpgroups -> !warpgroups || KernelLibrary.origin().hasWarpgroupProducts(CudaDevice.of(0)))
                .flatMap(warpgroups -> Stream.of(GgmlType.Q4_K, GgmlType.Q6_K, GgmlType.F16, GgmlType.Q2_K)
                        .map(type -> DynamicTest.dynamicTest(type + (warpgroups ? ", warpgroups" : ", warps"), () -> {
                            for (int rows : new int[] {5, 64, 129, 300}) {
                                product(type, rows, warpgroups, type == GgmlType.F16 ? 40 : 0);
                            }
                        })));
    }

    @TestFactory
    Stream<DynamicTest> aFewRowsOfEveryType() {
        return Stream.of(GgmlType.values()).filter(type -> TileLayout.supports(type, 256) && type != GgmlType.F32)
                .map(type -> DynamicTest.dynamicTest(type.toString(), () -> {
                    for (int rows : new int[] {2, 3, 8, 9, 31, 32, 33}) {
                        product(type, rows, false, type.blockElements() == 256 ? 0 : 32 * (rows % 8));
                    }
                }));
    }

    private void product(GgmlType type, int rows, boolean warpgroups, int moreColumns) {
        Random random = new Random(rows);
        int columns = 256 * (1 + random.nextInt(4)) + moreColumns;
        int outputs = 1 + random.nextInt(700);
        QuantizedTensor weight = RandomTensors.of(type, outputs, columns, random);
        float[][] in = RandomTensors.gaussians(rows, columns, random);
        float[] flat = new float[rows * columns];
        for (int row = 0; row < rows; row++) {
            System.arraycopy(in[row], 0, flat, row * columns, columns);
        }
        try (Arena arena = Arena.ofConfined(); CudaBuffer input = CudaBuffer.allocate(context, "in", 4L * flat.length);
                CudaBuffer output = CudaBuffer.allocate(context, "out", 4L * rows * outputs);
                CudaMatmul matmul = new CudaMatmul(kernels, stream, new CudaMatvec(kernels, stream), permutation, warpgroups, () -> {})) {
            stream.upload(arena.allocateFrom(ValueLayout.JAVA_FLOAT, flat), input.pointer());
            stream.fill(output.pointer(), (byte) -1, output.bytes());
            matmul.matmul(store.add(weight), new CudaActivations(input.pointer(), columns, rows, columns),
                    new CudaActivations(output.pointer(), outputs, rows, outputs), rows);
            MemorySegment bytes = arena.allocate(output.bytes());
            stream.download(output.pointer(), bytes);
            stream.synchronize();
            float[] weightRow = new float[columns];
            double difference = 0;
            double norm = 0;
            for (int n = 0; n < outputs; n++) {
                BlockFormats.of(type).orElseThrow().dequantize(weight.parts().getFirst().bytes(), n * weight.rowBytes(), weightRow, 0, columns);
                for (int row = 0; row < rows; row++) {
                    double sum = 0;
                    for (int k = 0; k < columns; k++) {
                        sum += (double) weightRow[k] * in[row][k];
                    }
                    difference += Math.pow(bytes.getAtIndex(ValueLayout.JAVA_FLOAT, (long) row * outputs + n) - sum, 2);
                    norm += sum * sum;
                }
            }
            double error = Math.sqrt(difference / norm);
            assertTrue(error <= BOUND, type + " " + outputs + " x " + columns + ", " + rows + " rows: relative L2 " + error + ", at most " + BOUND);
        }
    }
}
