package io.gemma4j.bench.measure;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** How fast the processor reads memory: threads that each add up their part of a buffer far larger than the caches. */
public final class StreamRead {
    private static final VectorSpecies<Long> SPECIES = LongVector.SPECIES_PREFERRED;
    private static final int VECTOR_BYTES = SPECIES.vectorByteSize();
    private static final int PASSES = 8;
    // One call reads so much: a method that is called often is compiled whole, without on-stack replacement.
    private static final int BLOCK_BYTES = 1 << 16;

    private StreamRead() {}

    /**
     * Measures it.
     *
     * @param threads that read together
     * @param bytes of the buffer
     * @return bytes per second of the fastest of several passes
     * @throws InterruptedException if interrupted
     */
    public static double bytesPerSecond(int threads, long bytes) throws InterruptedException {
        long part = bytes / threads / BLOCK_BYTES * BLOCK_BYTES;
        if (part == 0) {
            throw new IllegalArgumentException("bytes: expected at least " + (long) threads * BLOCK_BYTES + ", found " + bytes);
        }
        try (Arena arena = Arena.ofShared(); ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            MemorySegment buffer = arena.allocate(part * threads, VECTOR_BYTES);
            List<Callable<Long>> writers = new ArrayList<>();
            List<Callable<Long>> readers = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                MemorySegment slice = buffer.asSlice(i * part, part);
                // Each thread touches its part first, so that the memory is near it, and no page is the shared page of zeros.
                writers.add(() -> {
                    slice.fill((byte) 1);
                    return 0L;
                });
                readers.add(() -> sum(slice));
            }
            sum(pool.invokeAll(writers));
            double best = 0;
            long expected = part * threads / Long.BYTES * 0x0101010101010101L;
            for (int pass = 0; pass < PASSES; pass++) {
                long start = System.nanoTime();
                long sum = sum(pool.invokeAll(readers));
                best = Math.max(best, part * threads / ((System.nanoTime() - start) / 1e9));
                if (sum != expected) {
                    throw new IllegalStateException("sum of what was read: expected " + expected + ", found " + sum);
                }
            }
            return best;
        }
    }

    private static long sum(List<Future<Long>> parts) throws InterruptedException {
        long sum = 0;
        for (Future<Long> part : parts) {
            try {
                sum += part.get();
            } catch (ExecutionException e) {
                throw new IllegalStateException("reading memory failed", e.getCause());
            }
        }
        return sum;
    }

    private static long sum(MemorySegment slice) {
        long sum = 0;
        for (long at = 0; at < slice.byteSize(); at += BLOCK_BYTES) {
            sum += sumBlock(slice, at);
        }
        return sum;
    }

    private static long sumBlock(MemorySegment slice, long from) {
        LongVector a = LongVector.zero(SPECIES);
        LongVector b = a;
        LongVector c = a;
        LongVector d = a;
        for (int at = 0; at < BLOCK_BYTES; at += 4 * VECTOR_BYTES) {
            long offset = from + at;
            a = a.add(LongVector.fromMemorySegment(SPECIES, slice, offset, ByteOrder.nativeOrder()));
            b = b.add(LongVector.fromMemorySegment(SPECIES, slice, offset + VECTOR_BYTES, ByteOrder.nativeOrder()));
            c = c.add(LongVector.fromMemorySegment(SPECIES, slice, offset + 2 * VECTOR_BYTES, ByteOrder.nativeOrder()));
            d = d.add(LongVector.fromMemorySegment(SPECIES, slice, offset + 3 * VECTOR_BYTES, ByteOrder.nativeOrder()));
        }
        return a.add(b).add(c.add(d)).reduceLanes(VectorOperators.ADD);
    }
}
