package io.gemma4j.metal;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/**
 * Work for a GPU in order. Dispatches are encoded into an open command buffer; {@link #commit} hands it to the GPU and {@link #await} waits for
 * it, so that one may be encoded while another runs. Dispatches that do not depend on each other run together: barriers are set where what they
 * read and write asks for one. Used by one thread at a time. Whoever created it closes it, which waits for the GPU.
 *
 * <p>A dispatch is described first, then queued:
 * {@snippet :
 * stream.kernel(pipeline).read(0, x).weight(1, w).write(2, y).put(rows).put(epsilon).arguments(3).dispatch(Grid.of(rows), 128);
 * }
 */
final class MetalStream implements AutoCloseable {
    /** Command buffers that the GPU may have at once: one that runs, one that follows. */
    static final int IN_FLIGHT = 2;

    private static final int BINDINGS = 31;
    private static final int MAX_ARGUMENT_BYTES = 4096;
    private static final long CONCURRENT = 1;
    private static final long SCOPE_BUFFERS = 1;

    private final CommandQueue queue;
    private final Hazards hazards = new Hazards();
    private final Deque<MemorySegment> inFlight = new ArrayDeque<>();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment argumentBytes = arena.allocate(MAX_ARGUMENT_BYTES, 16);
    private final MemorySegment groupSize = arena.allocate(MetalMessages.SIZE);
    private final MemorySegment threadSize = arena.allocate(MetalMessages.SIZE);
    private MemorySegment commands;
    private MemorySegment encoder;
    private long committed;
    private long completed;
    private boolean closed;

    // What the encoder has bound.
    private final MetalBuffer[] bound = new MetalBuffer[BINDINGS];
    private final long[] boundOffsets = new long[BINDINGS];
    private final int[] threadgroupBytes = new int[BINDINGS];
    private MetalPipeline boundPipeline;

    // The next dispatch.
    private final BufferSlice[] slices = new BufferSlice[BINDINGS];
    private final Access[] accesses = new Access[BINDINGS];
    private final int[] nextThreadgroupBytes = new int[BINDINGS];
    private MetalPipeline pipeline;
    private int argumentLength;
    private int argumentIndex;

    MetalStream(CommandQueue queue) {
        this.queue = queue;
    }

    private enum Access { READ, WRITE, UNCHANGING }

    /** Begins the description of a dispatch. */
    MetalStream kernel(MetalPipeline kernel) {
        pipeline = kernel;
        argumentLength = 0;
        argumentIndex = -1;
        Arrays.fill(slices, null);
        Arrays.fill(nextThreadgroupBytes, 0);
        return this;
    }

    /** Binds memory that the kernel reads. */
    MetalStream read(int index, BufferSlice slice) {
        return bind(index, slice, Access.READ);
    }

    /** Binds memory that the kernel writes, and may read. */
    MetalStream write(int index, BufferSlice slice) {
        return bind(index, slice, Access.WRITE);
    }

    /** Binds memory that no kernel writes, such as weights. */
    MetalStream weight(int index, BufferSlice slice) {
        return bind(index, slice, Access.UNCHANGING);
    }

    private MetalStream bind(int index, BufferSlice slice, Access access) {
        slices[index] = slice;
        accesses[index] = access;
        return this;
    }

    /** Appends a field to the struct of the kernel's arguments. */
    MetalStream put(int value) {
        argumentBytes.set(JAVA_INT, argumentLength, value);
        argumentLength += Integer.BYTES;
        return this;
    }

    /** Appends a field to the struct of the kernel's arguments. */
    MetalStream put(float value) {
        argumentBytes.set(JAVA_FLOAT, argumentLength, value);
        argumentLength += Float.BYTES;
        return this;
    }

    /** Binds the struct of arguments that was put together. */
    MetalStream arguments(int index) {
        argumentIndex = index;
        return this;
    }

    /** Gives each threadgroup memory of its own, a multiple of 16 bytes. */
    MetalStream threadgroupMemory(int index, int bytes) {
        if (bytes <= 0 || bytes % 16 != 0) {
            throw new IllegalArgumentException("kernel '" + pipeline.name() + "': threadgroup memory: expected a multiple of 16 bytes, found " + bytes);
        }
        nextThreadgroupBytes[index] = bytes;
        return this;
    }

    /** Queues the dispatch that was described, with {@code threads} threads in a row in each threadgroup. */
    void dispatch(Grid threadgroups, int threads) {
        dispatch(threadgroups, Grid.of(threads));
    }

    /**
     * Queues the dispatch that was described.
     *
     * @throws IllegalArgumentException if there is no threadgroup, or if it has more threads than the compiled kernel allows
     */
    void dispatch(Grid threadgroups, Grid threads) {
        MetalPipeline.State state = pipeline.state();
        if (threadgroups.x() <= 0 || threadgroups.y() <= 0 || threadgroups.z() <= 0 || threads.count() <= 0 || threads.count() > state.maxThreads()) {
            throw new IllegalArgumentException("kernel '" + pipeline.name() + "': expected at least one threadgroup of 1 to " + state.maxThreads()
                    + " threads, found " + threadgroups + " of " + threads);
        }
        boolean barrier = trackHazards();
        set(groupSize, threadgroups);
        set(threadSize, threads);
        try {
            // No thread may block in here, since the pool belongs to the thread that carries this one.
            MemorySegment pool = (MemorySegment) ObjectiveC.objc_autoreleasePoolPush.invokeExact();
            try {
                encode(state.handle(), barrier);
            } finally {
                ObjectiveC.objc_autoreleasePoolPop.invokeExact(pool);
            }
        } catch (Throwable e) {
            throw ObjectiveC.unexpected(e);
        }
    }

    private boolean trackHazards() {
        boolean barrier = false;
        for (int i = 0; i < BINDINGS; i++) {
            if (slices[i] != null && accesses[i] != Access.UNCHANGING) {
                barrier |= accesses[i] == Access.WRITE ? hazards.conflictsWrite(slices[i]) : hazards.conflictsRead(slices[i]);
            }
        }
        if (barrier) {
            hazards.clear();
        }
        for (int i = 0; i < BINDINGS; i++) {
            if (slices[i] != null && accesses[i] == Access.WRITE) {
                hazards.write(slices[i]);
            } else if (slices[i] != null && accesses[i] == Access.READ) {
                hazards.read(slices[i]);
            }
        }
        return barrier;
    }

    private static void set(MemorySegment size, Grid grid) {
        size.setAtIndex(JAVA_LONG, 0, grid.x());
        size.setAtIndex(JAVA_LONG, 1, grid.y());
        size.setAtIndex(JAVA_LONG, 2, grid.z());
    }

    private void encode(MemorySegment pipelineState, boolean barrier) throws Throwable {
        if (encoder == null) {
            open();
        } else if (barrier) {
            MetalMessages.memoryBarrier.handle().invokeExact(encoder, SCOPE_BUFFERS);
        }
        if (boundPipeline != pipeline) {
            boundPipeline = pipeline;
            MetalMessages.setComputePipelineState.handle().invokeExact(encoder, pipelineState);
        }
        for (int i = 0; i < BINDINGS; i++) {
            if (slices[i] != null) {
                encodeBuffer(i, slices[i]);
            }
            if (nextThreadgroupBytes[i] != 0 && nextThreadgroupBytes[i] != threadgroupBytes[i]) {
                threadgroupBytes[i] = nextThreadgroupBytes[i];
                MetalMessages.setThreadgroupMemoryLength.handle().invokeExact(encoder, (long) threadgroupBytes[i], (long) i);
            }
        }
        if (argumentIndex >= 0) {
            bound[argumentIndex] = null;
            MetalMessages.setBytes.handle().invokeExact(encoder, argumentBytes, (long) argumentLength, (long) argumentIndex);
        }
        MetalMessages.dispatchThreadgroups.handle().invokeExact(encoder, groupSize, threadSize);
    }

    private void encodeBuffer(int index, BufferSlice slice) throws Throwable {
        if (bound[index] != slice.buffer()) {
            bound[index] = slice.buffer();
            boundOffsets[index] = slice.offset();
            MetalMessages.setBuffer.handle().invokeExact(encoder, slice.buffer().handle(), slice.offset(), (long) index);
        } else if (boundOffsets[index] != slice.offset()) {
            boundOffsets[index] = slice.offset();
            MetalMessages.setBufferOffset.handle().invokeExact(encoder, slice.offset(), (long) index);
        }
    }

    private void open() throws Throwable {
        MemorySegment newCommands = (MemorySegment) MetalMessages.commandBuffer.handle().invokeExact(queue.handle());
        MemorySegment newEncoder = (MemorySegment) MetalMessages.computeCommandEncoder.handle().invokeExact(newCommands, CONCURRENT);
        if (ObjectiveC.isNil(newEncoder)) {
            throw new MetalException("Metal gave no command buffer to encode into");
        }
        // Both have to outlive the pool.
        commands = (MemorySegment) MetalMessages.retain.handle().invokeExact(newCommands);
        encoder = (MemorySegment) MetalMessages.retain.handle().invokeExact(newEncoder);
    }

    /** What {@link #commit} is going to return for work that is encoded now. */
    long nextCommit() {
        return committed + 1;
    }

    /**
     * Hands what is encoded to the GPU; does nothing where nothing is. Waits where the GPU has enough to do.
     *
     * @return to be given to {@link #await}
     * @throws MetalException if earlier work failed
     */
    long commit() {
        if (encoder != null) {
            while (inFlight.size() >= IN_FLIGHT) {
                awaitFirst();
            }
            try (AutoreleasePool _ = new AutoreleasePool()) {
                endEncoding();
                ObjectiveC.run(() -> { MetalMessages.commit.handle().invokeExact(commands); });
            }
            inFlight.add(commands);
            commands = null;
            committed++;
        }
        return committed;
    }

    private void endEncoding() {
        ObjectiveC.run(() -> { MetalMessages.endEncoding.handle().invokeExact(encoder); });
        ObjectiveC.release(encoder);
        encoder = null;
        boundPipeline = null;
        Arrays.fill(bound, null);
        Arrays.fill(threadgroupBytes, 0);
        hazards.clear();
    }

    /**
     * Commits what is encoded, for a thread of another's to wait for.
     *
     * @return to be closed by the caller
     */
    CommittedWork commitWork() {
        requireEncoded();
        MemorySegment handle = ObjectiveC.pointer(() -> (MemorySegment) MetalMessages.retain.handle().invokeExact(commands));
        commit();
        return new CommittedWork(handle);
    }

    private void requireEncoded() {
        if (encoder == null) {
            throw new IllegalStateException("nothing is encoded that could be committed");
        }
    }

    /**
     * Waits until the work of a commit is done.
     *
     * @throws MetalException if it, or work before it, failed
     */
    void await(long commit) {
        while (completed < commit && !inFlight.isEmpty()) {
            awaitFirst();
        }
    }

    /**
     * Commits, and waits until everything is done.
     *
     * @throws MetalException if any of it failed
     */
    void synchronize() {
        await(commit());
    }

    private void awaitFirst() {
        MemorySegment first = inFlight.removeFirst();
        completed++;
        try (CommittedWork work = new CommittedWork(first)) {
            work.await();
        }
    }

    /** Gives up what is encoded and not committed. */
    void discard() {
        if (encoder != null) {
            endEncoding();
            ObjectiveC.release(commands);
            commands = null;
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        discard();
        try {
            while (!inFlight.isEmpty()) {
                awaitFirst();
            }
        } finally {
            inFlight.forEach(ObjectiveC::release);
            arena.close();
        }
    }
}
