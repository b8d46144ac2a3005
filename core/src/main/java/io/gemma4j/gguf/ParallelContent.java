package io.gemma4j.gguf;

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
import java.util.function.LongConsumer;

/**
 * Produces tensors in chunks on several threads, and writes them in order from the calling thread. Holds a few chunks for each thread, whatever the
 * size of the tensors. One tensor is written at a time. Owns its threads, which are daemons; close it.
 */
public final class ParallelContent implements AutoCloseable {
    private static final int CHUNK_BYTES = 1 << 18;
    /** Of which a chunk has a multiple, so that it starts with a block of whatever other type, too. */
    private static final int GRANULE_BLOCKS = 256;

    private final int ahead;
    private final ExecutorService threads;
    private final Deque<ByteBuffer> free = new ArrayDeque<>();

    /** Produces some blocks of a tensor. Called by several threads at once; what it throws is thrown where the tensor is written. */
    @FunctionalInterface
    public interface Blocks {
        /**
         * Fills a buffer.
         *
         * @param firstBlock which block of the tensor comes first; a multiple of 256
         * @param buffer little-endian, to be filled from its position to its limit, which is a whole number of blocks
         */
        void fill(long firstBlock, ByteBuffer buffer);
    }

    /**
     * Starts no thread before the first tensor.
     *
     * @param threadCount at least 1
     * @param threadName of each thread
     */
    public ParallelContent(int threadCount, String threadName) {
        this.ahead = 2 * threadCount;
        this.threads = Executors.newFixedThreadPool(threadCount, Thread.ofPlatform().daemon().name(threadName).factory());
    }

    /**
     * The content of a tensor.
     *
     * @param type of the tensor
     * @param elements of the tensor, a whole number of blocks
     * @param blocks produces them
     * @param progress is told after each chunk how many elements are written, and may end the writing with an exception
     * @return content that can be written until this is closed
     */
    public TensorContent of(GgmlType type, long elements, Blocks blocks, LongConsumer progress) {
        return channel -> write(type, elements / type.blockElements(), blocks, progress, channel);
    }

    private void write(GgmlType type, long blockCount, Blocks blocks, LongConsumer progress, WritableByteChannel channel) throws IOException {
        int chunkBlocks = CHUNK_BYTES / type.blockBytes() / GRANULE_BLOCKS * GRANULE_BLOCKS;
        long chunks = Math.ceilDiv(blockCount, chunkBlocks);
        Deque<Future<ByteBuffer>> pending = new ArrayDeque<>();
        long next = 0;
        while (next < chunks || !pending.isEmpty()) {
            if (next < chunks && pending.size() < ahead) {
                long first = next++ * chunkBlocks;
                ByteBuffer buffer = free.isEmpty() ? ByteBuffer.allocateDirect(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN) : free.pop();
                buffer.clear().limit((int) Math.min(chunkBlocks, blockCount - first) * type.blockBytes());
                pending.add(threads.submit(() -> {
                    blocks.fill(first, buffer);
                    return buffer;
                }));
            } else {
                ByteBuffer filled = get(pending.remove()).rewind();
                while (filled.hasRemaining()) {
                    channel.write(filled);
                }
                free.push(filled);
                progress.accept(Math.min(blockCount, (next - pending.size()) * chunkBlocks) * type.blockElements());
            }
        }
    }

    private static ByteBuffer get(Future<ByteBuffer> chunk) throws IOException {
        try {
            return chunk.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while producing a tensor");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException thrown) {
                throw thrown;
            }
            throw new IllegalStateException("a chunk could not be produced", e.getCause());
        }
    }

    /** Ends the threads and waits for them, so that what they read may be freed. */
    @Override
    public void close() {
        threads.shutdownNow();
        threads.close();
    }
}
