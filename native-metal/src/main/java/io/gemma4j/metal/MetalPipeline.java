package io.gemma4j.metal;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * A kernel that is compiled, or is being compiled: whoever first needs it waits. Thread-safe. Owned by the {@link KernelLibrary} it came from.
 */
final class MetalPipeline implements AutoCloseable {
    private final String name;
    private final CompletableFuture<State> state;

    MetalPipeline(String name, CompletableFuture<State> state) {
        this.name = name;
        this.state = state;
    }

    /**
     * A compiled pipeline.
     *
     * @param handle {@code MTLComputePipelineState}
     * @param maxThreads of a threadgroup; fewer than the device allows where a kernel needs many registers
     * @param simdgroupThreads how many threads run together
     */
    record State(MemorySegment handle, int maxThreads, int simdgroupThreads) {

        static State of(MemorySegment handle) {
            long maxThreads = ObjectiveC.integer(() -> (long) MetalMessages.maxTotalThreadsPerThreadgroup.handle().invokeExact(handle));
            long width = ObjectiveC.integer(() -> (long) MetalMessages.threadExecutionWidth.handle().invokeExact(handle));
            return new State(handle, Math.toIntExact(maxThreads), Math.toIntExact(width));
        }
    }

    /** The kernel's name. */
    String name() {
        return name;
    }

    /**
     * What it compiled to.
     *
     * @throws MetalException if it did not compile
     */
    State state() {
        try {
            return state.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof MetalException failure ? failure : e;
        }
    }

    /** How many threads a threadgroup may have. */
    int maxThreads() {
        return state().maxThreads();
    }

    @Override
    public void close() {
        state.handle((compiled, failure) -> {
            if (failure == null) {
                ObjectiveC.release(compiled.handle());
            }
            return null;
        }).join();
    }
}
