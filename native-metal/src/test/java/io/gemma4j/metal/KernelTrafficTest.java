package io.gemma4j.metal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.KvType;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.metal.KernelBench.Run;
import io.gemma4j.metal.fake.FakeMetal;
import io.gemma4j.metal.fake.MetalDriver;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What kernels read, write and synchronise, counted by the executor: where nothing can be timed, this is what may not grow unnoticed. */
@ExtendWith(MetalDriver.class)
class KernelTrafficTest {
    /** What compilers may do differently. */
    private static final double SLACK = 1.05;
    private static final int THREADS = 128;
    private static final int SIMDGROUP = 32;

    @FunctionalInterface
    private interface Work {
        void run(KernelBench bench);
    }

    /** Counts of the only dispatch. */
    private static FakeMetal.Counts counts(Work work) {
        FakeMetal fake = MetalDriver.fake();
        fake.reset();
        try (KernelBench bench = KernelBench.open(Run.CHECKED, 1)) {
            work.run(bench);
            bench.stream.synchronize();
            List<FakeMetal.Counts> all = List.copyOf(fake.counts().values());
            assertEquals(1, all.size());
            assertEquals(1, all.getFirst().dispatches());
            return all.getFirst();
        }
    }

    private static void assertAtMost(double limit, long found, String what) {
        assertTrue(found <= limit * SLACK, what + ": expected at most " + limit + " bytes, found " + found);
    }

    /** Bytes that a mat-vec loads for 256 weights: codes once, but for the bits that pieces share, and scales once for each lane that uses them. */
    private static int matvecBytesPer256(GgmlType type) {
        return switch (type) {
            case F32 -> 1024;
            case F16, BF16 -> 512;
            case Q4_0, IQ4_NL -> 144;
            case Q4_1 -> 160;
            case Q5_0 -> 176;
            case Q5_1 -> 192;
            case Q8_0 -> 320;
            case MXFP4 -> 136;
            case Q2_K -> 176;
            case Q3_K -> 304;
            case Q4_K -> 256;
            case Q5_K -> 384;
            case Q6_K -> 288;
            case IQ4_XS -> 168;
            default -> throw new IllegalArgumentException("not counted yet: " + type);
        };
    }

    @ParameterizedTest
    @MethodSource("io.gemma4j.metal.RandomMatrix#types")
    void aMatvecLoadsItsMatrixOnceAndItsInputOnceForEachSimdgroup(GgmlType type) {
        int outputs = 8;
        int columns = 1024;
        FakeMetal.Counts counts = counts(bench -> new MetalMatvec(bench.kernels).multiply(bench.stream,
                bench.matrix(RandomMatrix.of(type, outputs, columns, bench.random)), bench.rows(bench.gaussians(columns), columns), bench.empty(1, outputs),
                1));
        int simdgroups = THREADS / SIMDGROUP;
        double arguments = 28.0 * THREADS;
        assertAtMost(outputs * columns / 256.0 * matvecBytesPer256(type) + simdgroups * columns * 4.0 + arguments, counts.deviceBytesRead(), "read");
        assertEquals(outputs * 4, counts.deviceBytesWritten());
        assertEquals(0, counts.barriers());
        // A sum over the simdgroup for each row, and nothing else.
        assertEquals(outputs * SIMDGROUP, counts.simdgroupOperations());
    }

    /** Bytes that a thread of a mat-mat loads to decode 16 weights: their codes and scales. */
    private static int matmulBytesPer16(GgmlType type) {
        return switch (type) {
            case F32 -> 64;
            case F16, BF16 -> 32;
            case Q4_0, IQ4_NL, Q8_0 -> 18;
            case Q4_1, Q5_0 -> 20;
            case Q5_1 -> 24;
            case MXFP4 -> 17;
            case Q2_K, IQ4_XS -> 21;
            case Q3_K -> 36;
            case Q4_K -> 32;
            case Q5_K -> 48;
            case Q6_K -> 35;
            default -> throw new IllegalArgumentException("not counted yet: " + type);
        };
    }

    @ParameterizedTest
    @MethodSource("io.gemma4j.metal.RandomMatrix#types")
    void aMatmulLoadsItsMatrixOnceForEach64Rows(GgmlType type) {
        int outputs = 64;
        int columns = 256;
        int rows = 64;
        FakeMetal.Counts counts = counts(bench -> new MetalMatmul(bench.kernels, new MetalMatvec(bench.kernels)).multiply(bench.stream,
                bench.matrix(RandomMatrix.of(type, outputs, columns, bench.random)), bench.rows(bench.gaussians(rows * columns), columns),
                bench.empty(rows, outputs), rows));
        double matrix = outputs * columns / 16.0 * matmulBytesPer16(type);
        assertAtMost(matrix + rows * columns * 4.0 + 20.0 * THREADS, counts.deviceBytesRead(), "read");
        assertEquals(rows * outputs * 4, counts.deviceBytesWritten());
        int steps = columns / 32;
        assertEquals(2 * steps * THREADS, counts.barriers());
        // Each simdgroup, for each 8 columns: 4 parts of weights, 4 of activations, 16 products; at the end 16 parts are stored.
        assertEquals(4 * SIMDGROUP * (steps * 4 * (4 + 4 + 16) + 16), counts.simdgroupOperations());
        assertEquals(matmulTileBytes(type) * steps, counts.threadgroupBytesWritten());
    }

    private static int matmulTileBytes(GgmlType type) {
        boolean halves = switch (type) {
            case F32, BF16, MXFP4 -> false;
            default -> true;
        };
        return 64 * 32 * (halves ? 2 : 4) + 64 * 32 * 4;
    }

    @Test
    void attentionLoadsKeysAndValuesOnceForAllHeadsThatShareThem() {
        int keys = 64;
        int headDim = 256;
        int heads = 8;
        FakeMetal.Counts counts = counts(bench -> {
            long bytes = MetalKvSlots.bytes(keys, 1, headDim, KvType.F16);
            MetalKvSlots cache = new MetalKvSlots(bench.buffer(bytes).slice(), bench.buffer(bytes).slice(), KvType.F16, 1, headDim, keys);
            MetalRows queries = bench.rows(bench.gaussians(heads * headDim), heads * headDim);
            MetalAttention.Sequence sequence = new MetalAttention.Sequence(0, new MetalAttention.Span(1, keys - 1, keys - 1, 0), cache);
            bench.closing(new MetalAttention(bench.device, bench.kernels)).attention(bench.stream, queries, List.of(sequence), heads, keys,
                    bench.empty(1, heads * headDim));
        });
        double cacheBytes = 2.0 * keys * headDim * 2;
        double arguments = 280.0 * THREADS;
        assertAtMost(cacheBytes + heads * headDim * 4.0 + arguments, counts.deviceBytesRead(), "read");
        assertEquals(heads * headDim * 4, counts.deviceBytesWritten());
        // Once for the queries, twice for each block of 32 keys, once for the sums; and within simdgroups twice for each of 8 parts that are stored.
        assertEquals(THREADS * (1 + 2 * keys / 32 + 1 + 2 * 8), counts.barriers());
    }

    /** Counts of the attention of rows of eight heads of 256 over a compressed cache, whose codes are read up to {@code tailFrom}. */
    private static FakeMetal.Counts compressedAttention(KvType type, int keys, int rows, int tailFrom) {
        int headDim = 256;
        int width = 8 * headDim;
        FakeMetal fake = MetalDriver.fake();
        fake.reset();
        try (KernelBench bench = KernelBench.open(Run.CHECKED, 1)) {
            MetalKvSlots cache = CompressedKv.empty(bench, type, 1, headDim, keys, 256);
            MetalRows queries = bench.rows(bench.gaussians(rows * width), width);
            MetalAttention.Sequence sequence = new MetalAttention.Sequence(0, new MetalAttention.Span(rows, keys - rows, keys - 1, tailFrom), cache);
            bench.closing(new MetalAttention(bench.device, bench.kernels)).attention(bench.stream, queries, List.of(sequence), 8, keys,
                    bench.empty(rows, width));
            bench.stream.synchronize();
            return fake.counts().get((rows == 1 ? "attention_decode_" : "attention_prefill_") + type.name().toLowerCase(Locale.ROOT) + "_256");
        }
    }

    @Test
    void attentionLoadsCompressedKeysAndValuesOnceForAllHeadsThatShareThem() {
        int keys = 96;
        int headDim = 256;
        for (int rows : new int[] {1, 2}) {
            FakeMetal.Counts tail = compressedAttention(KvType.TQ4, keys, rows, 0);
            double tailBytes = 2.0 * keys * headDim * 2;
            double arguments = (100.0 + 240 * rows) * THREADS;
            assertAtMost(tailBytes + rows * 8 * headDim * 4.0 + arguments, tail.deviceBytesRead(), "read of the tail");
            for (KvType type : new KvType[] {KvType.Q8_0, KvType.TQ4}) {
                FakeMetal.Counts counts = compressedAttention(type, keys, rows, keys);
                // Two lanes share a block, and both read its scale.
                double cacheBytes = 2.0 * keys * (type.headBytes(headDim) + headDim / 32 * 2);
                assertAtMost(cacheBytes, counts.deviceBytesRead() - tail.deviceBytesRead() + (long) tailBytes, "read of " + type);
                assertEquals(rows * 8 * headDim * 4, counts.deviceBytesWritten());
                // For each block of 32 keys: twice for each 64 elements of keys, twice for each 128 elements of 16 values.
                assertEquals(keys / 32 * THREADS * (2 * headDim / 64 + 2 * 2 * headDim / 128), counts.barriers() - tail.barriers());
                // As many products, from floats that are made once.
                assertEquals(tail.simdgroupOperations(), counts.simdgroupOperations());
                assertEquals(2 * keys * headDim * 4, counts.threadgroupBytesWritten() - tail.threadgroupBytesWritten());
            }
        }
    }

    @Test
    void addingToTheResidualAndMakingTheNextInputReadsTheResidualTwice() {
        int width = 1024;
        FakeMetal.Counts counts = counts(bench -> {
            BufferSlice norm = bench.floats(bench.gaussians(width));
            new MetalNorm(bench.kernels).addRmsNorm(bench.stream, bench.rows(bench.gaussians(width), width), norm, 1e-6f,
                    bench.rows(bench.gaussians(width), width), 1, List.of(new MetalNorm.Weighted(bench.empty(1, width), norm)), 1);
        });
        // The branch twice, the residual twice, two norms.
        assertAtMost(6 * width * 4.0 + 64 * 256, counts.deviceBytesRead(), "read");
        assertEquals(2 * width * 4, counts.deviceBytesWritten());
        assertEquals(2 * 256, counts.barriers());
    }
}
