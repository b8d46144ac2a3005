package io.gemma4j.bench.synth;

import io.gemma4j.gguf.GgufWriter.TensorContent;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;

/**
 * Produces tensors in chunks on all processors, and writes them in order from the calling thread. What a chunk holds depends on seed, tensor
 * and place alone. One tensor is written at a time. Owns its threads; close it.
 */
final class ParallelContent implements AutoCloseable {
    private static final int CHUNK_BYTES = 1 << 20;

    private final int ahead = 2 * Runtime.getRuntime().availableProcessors();
    private final ExecutorService threads = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors(), task -> {
        Thread thread = new Thread(task, "synth");
        thread.setDaemon(true);
        return thread;
    });
    private final Deque<ByteBuffer> free = new ArrayDeque<>();
    private final long seed;

    ParallelContent(long seed) {
        this.seed = seed;
    }

    /** The content of a tensor. */
    TensorContent of(TensorPlan.Tensor tensor) {
        return channel -> write(tensor, channel);
    }

    private void write(TensorPlan.Tensor tensor, WritableByteChannel channel) throws IOException {
        long blocks = LongStream.of(tensor.dimensions()).reduce(1, Math::multiplyExact) / tensor.type().blockElements();
        int chunkBlocks = CHUNK_BYTES / tensor.type().blockBytes();
        long chunks = Math.ceilDiv(blocks, chunkBlocks);
        Deque<Future<ByteBuffer>> pending = new ArrayDeque<>();
        long next = 0;
        while (next < chunks || !pending.isEmpty()) {
            if (next < chunks && pending.size() < ahead) {
                long first = next++ * chunkBlocks;
                ByteBuffer buffer = free.isEmpty() ? ByteBuffer.allocateDirect(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN) : free.pop();
                buffer.clear().limit((int) Math.min(chunkBlocks, blocks - first) * tensor.type().blockBytes());
                pending.add(threads.submit(() -> fill(tensor, first, buffer)));
            } else {
                ByteBuffer filled = get(pending.remove());
                while (filled.hasRemaining()) {
                    channel.write(filled);
                }
                free.push(filled);
            }
        }
    }

    private ByteBuffer fill(TensorPlan.Tensor tensor, long firstBlock, ByteBuffer buffer) {
        long chunkSeed = 31 * (31 * seed + tensor.name().hashCode()) + firstBlock;
        new RandomElements(chunkSeed).fill(tensor.type(), tensor.values(), firstBlock * tensor.type().blockElements(), buffer);
        return buffer.flip();
    }

    private static ByteBuffer get(Future<ByteBuffer> chunk) throws IOException {
        try {
            return chunk.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while producing a tensor");
        } catch (ExecutionException e) {
            throw new IllegalStateException("a chunk could not be produced", e.getCause());
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
