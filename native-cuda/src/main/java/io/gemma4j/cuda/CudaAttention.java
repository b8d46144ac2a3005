package io.gemma4j.cuda;

import io.gemma4j.KvType;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.Step;
import io.gemma4j.cuda.CudaKernel.Grid;

/** Launches the update of key/value caches and attention over them. Used by one thread at a time. Closing frees its scratch memory. */
final class CudaAttention implements AutoCloseable {
    private static final int UPDATE_THREADS = 256;
    // Query columns of one block: rows times the query heads that share a key/value head.
    private static final int BLOCK_QUERIES = 32;
    private static final int MAX_SPLITS = 128;
    private static final int MIN_SPLIT_KEYS = 64;
    // Dynamic shared memory of a block that attends with many rows.
    private static final int SHARED_BYTES_256 = 48_000;
    private static final int SHARED_BYTES_512 = 89_472;

    private final KernelLibrary kernels;
    private final CudaStream stream;
    private final ScratchMemory partials;
    private final ScratchMemory counters;
    private long counterBytes;

    CudaAttention(KernelLibrary kernels, CudaStream stream) {
        this.kernels = kernels;
        this.stream = stream;
        partials = new ScratchMemory(stream.context(), "partial results of attention");
        counters = new ScratchMemory(stream.context(), "counters of attention");
    }

    private static KvLayerLayout layout(Step step, int owner) {
        return step.spans().getFirst().cache().layer(owner).layout();
    }

    private static String suffix(KvLayerLayout layout) {
        return layout.type() == KvType.F16 ? "f16" : "f32";
    }

    void kvUpdate(CudaActivations keys, CudaActivations values, Step step, StepInputs inputs, int owner) {
        KvLayerLayout layout = layout(step, owner);
        kernels.kernel("kv_update_" + suffix(layout)).pointer(keys.start()).int32(keys.stride()).pointer(values.start()).int32(values.stride())
                .int32(layout.kvHeads()).int32(layout.headDim()).pointer(inputs.positions()).pointer(inputs.sequences())
                .pointer(inputs.caches(owner)).launch(stream, Grid.of(step.rows()), UPDATE_THREADS, 0);
    }

    void attention(CudaActivations queries, Step step, StepInputs inputs, int owner, int heads, int window, CudaActivations out) {
        KvLayerLayout layout = layout(step, owner);
        int headDim = layout.headDim();
        int group = heads / layout.kvHeads();
        int rowsPerBlock = BLOCK_QUERIES / group;
        int rowBlocks = Math.ceilDiv(step.rows(), rowsPerBlock);
        int units = layout.kvHeads() * rowBlocks;
        int splits = Math.clamp(2L * stream.context().device().multiprocessors() * 512 / headDim / units, 1, MAX_SPLITS);
        int columns = rowsPerBlock * group;
        DevicePointer scratch = partials.require(Float.BYTES * (long) units * ((long) splits * columns * (headDim + 2) + 1));
        kernels.kernel("attention_prefill_" + suffix(layout) + "_d" + headDim).pointer(queries.start()).int32(queries.stride()).int32(step.rows())
                .int32(heads).int32(layout.kvHeads()).pointer(inputs.positions()).pointer(inputs.sequences()).pointer(inputs.caches(owner))
                .int32(window).int32(MIN_SPLIT_KEYS).pointer(scratch).pointer(counters(units)).pointer(out.start()).int32(out.stride())
                .launch(stream, new Grid(splits, layout.kvHeads(), rowBlocks), headDim / 2, headDim == 256 ? SHARED_BYTES_256 : SHARED_BYTES_512);
    }

    /** Zero, as kernels leave them. */
    private DevicePointer counters(int units) {
        long bytes = (long) units * Integer.BYTES;
        DevicePointer start = counters.require(bytes);
        if (bytes > counterBytes) {
            stream.fill(start, (byte) 0, bytes);
            counterBytes = bytes;
        }
        return start;
    }

    @Override
    public void close() {
        partials.close();
        counters.close();
    }
}
