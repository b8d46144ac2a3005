package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.QuantizedTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

@Gpu
class WeightStoreTest {
    private CudaContext context;
    private CudaStream stream;
    private KernelLibrary kernels;
    private TilePermutation permutation;
    private WeightStore store;
    private CudaMatmul matmul;

    @BeforeEach
    void open() {
        context = new CudaContext(CudaDevice.of(0));
        stream = new CudaStream(context);
        kernels = new KernelLibrary(context);
        permutation = new TilePermutation(kernels, stream);
        store = new WeightStore(stream, permutation);
        matmul = new CudaMatmul(kernels, stream, new CudaMatvec(kernels, stream), permutation, false, () -> {});
    }

    @AfterEach
    void close() {
        matmul.close();
        store.close();
        kernels.close();
        stream.close();
        context.close();
    }

    private void assertHolds(QuantizedTensor tensor, CudaWeight weight) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(tensor.bytes());
            stream.download(matmul.nativeRows(weight), bytes);
            stream.synchronize();
            for (QuantizedTensor.Part part : tensor.parts()) {
                MemorySegment actual = bytes.asSlice(part.firstRow() * tensor.rowBytes(), part.bytes().byteSize());
                assertEquals(-1, actual.mismatch(part.bytes()), tensor.toString());
            }
        }
    }

    @TestFactory
    Stream<DynamicTest> tilesHoldEveryBitOfTheFile() {
        return RandomTensors.types().map(type -> DynamicTest.dynamicTest(type.toString(), () -> {
            for (int i = 0; i < 4; i++) {
                Random random = new Random(i);
                int columns = 256 * (1 + random.nextInt(5)) + (type.blockElements() == 256 ? 0 : 32 * random.nextInt(8));
                QuantizedTensor tensor = RandomTensors.of(type, 2 + random.nextInt(500), columns, random);
                assertHolds(tensor, store.add(tensor));
            }
        }));
    }

    @Test
    void tensorLargerThanAPieceArrivesWhole() {
        QuantizedTensor tensor = RandomTensors.of(GgmlType.Q4_K, 40_003, 2048, new Random(5));
        assertHolds(tensor, store.add(tensor));
    }

    @Test
    void gateAndUpAlternateAndComeBack() {
        QuantizedTensor gate = RandomTensors.of(GgmlType.Q4_K, 3 * 64, 512, new Random(6));
        QuantizedTensor up = RandomTensors.of(GgmlType.Q4_K, 3 * 64, 512, new Random(7));
        for (int matrices : new int[] {1, 3}) {
            QuantizedTensor both = QuantizedTensor.concatRows("both", gate, up);
            CudaWeight weight = store.add(both);
            byte[] before = tiles(weight);
            store.pair(weight, matrices);
            store.pair(weight, matrices);
            assertNotEquals(-1, MemorySegment.ofArray(before).mismatch(MemorySegment.ofArray(tiles(weight))), "the rows have moved");
            assertHolds(both, weight);
        }
    }

    @Test
    void joinedMatricesStandOneAfterTheOther() {
        List<QuantizedTensor> tensors = Stream.of(64, 8, 24).map(rows -> RandomTensors.of(GgmlType.Q5_0, rows, 288, new Random(rows))).toList();
        List<CudaWeight> weights = tensors.stream().map(store::add).toList();
        long bytes = store.deviceBytes();
        TileMatrix joined = store.join(weights);
        assertEquals(96, joined.rows());
        assertEquals(bytes, store.deviceBytes());
        for (int i = 0; i < 3; i++) {
            assertHolds(tensors.get(i), weights.get(i));
        }
        assertEquals(joined.row(72), weights.get(2).tiles().start());
    }

    @Test
    void tablesStayInTheComputersMemory() {
        QuantizedTensor random = RandomTensors.of(GgmlType.Q6_K, 33, 256, new Random(8));
        QuantizedTensor table = QuantizedTensor.of("per_layer_token_embd.weight", GgmlType.Q6_K, 33, 256, random.parts().getFirst().bytes());
        CudaWeight weight = store.add(table);
        assertEquals(0, store.deviceBytes());
        assertHolds(table, weight);
    }

    private byte[] tiles(CudaWeight weight) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(weight.tileBuffer().bytes());
            stream.download(weight.tileBuffer().pointer(), bytes);
            stream.synchronize();
            return bytes.toArray(ValueLayout.JAVA_BYTE);
        }
    }
}
