package io.gemma4j.cuda;

import io.gemma4j.KvType;
import io.gemma4j.backend.AttentionWeights;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.RopeFrequencies;
import io.gemma4j.backend.Step;
import io.gemma4j.cuda.CudaKernel.Grid;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.IdentityHashMap;
import java.util.Locale;
import java.util.Map;

/** Launches the update of key/value caches and attention over them. Used by one thread at a time. Closing frees its scratch memory. */
final class CudaAttention implements AutoCloseable {
    private static final int UPDATE_THREADS = 256;
    // Query columns of one block: rows times the query heads that share a key/value head.
    private static final int BLOCK_QUERIES = 32;
    // The same for a block of a decoding step.
    private static final int DECODE_COLUMNS = 8;
    // Heads of this size have one block on a multiprocessor, smaller ones accordingly more.
    private static final int MAX_HEAD_DIM = 512;
    private static final int DECODE_MIN_SPLIT_KEYS = 32;
    private static final int CLUSTER_BLOCKS = 8;
    private static final int CLUSTER_THREADS = 256;
    private static final int MAX_CLUSTER_KEYS = 2048;
    private static final int CLUSTER_SHARED_BYTES_256 = 39_080;
    private static final int CLUSTER_SHARED_BYTES_512 = 52_008;
    // Up to here layers without a window are better off with one kernel than with the bandwidth of all multiprocessors.
    private static final int SHORT_CONTEXT_TOKENS = 512;
    private static final int COMBINE_DIMS = 64;
    static final int COMBINE_THREADS = 256;
    private static final int MAX_SPLITS = 128;
    private static final int MIN_SPLIT_KEYS = 64;
    // Dynamic shared memory of a block that attends with many rows.
    private static final int SHARED_BYTES_256 = 48_000;
    private static final int SHARED_BYTES_512 = 89_472;
    private static final int COMPRESSED_SHARED_BYTES_256 = 50_176;
    private static final int COMPRESSED_SHARED_BYTES_512 = 97_920;

    private final KernelLibrary kernels;
    private final CudaStream stream;
    private final CompressedAttention compressed;
    private final ScratchMemory partials;
    private final ScratchMemory counters;
    private final Map<RopeFrequencies, CudaBuffer> turns = new IdentityHashMap<>();
    private long counterBytes;

    CudaAttention(KernelLibrary kernels, CudaStream stream, CompressedAttention compressed, Runnable onMove) {
        this.kernels = kernels;
        this.stream = stream;
        this.compressed = compressed;
        partials = new ScratchMemory(stream.context(), "partial results of attention", onMove);
        counters = new ScratchMemory(stream.context(), "counters of attention", onMove);
    }

    /** One of the caches of a step, which are alike. */
    static CudaKvLayer layer(Step step, int owner) {
        return (CudaKvLayer) step.spans().getFirst().cache().layer(owner);
    }

    private static String suffix(KvLayerLayout layout) {
        return layout.type().name().toLowerCase(Locale.ROOT);
    }

    /** The end of the names of kernels for a layer's cache, e.g. {@code f16_d512_derived}. */
    private static String suffix(CudaKvLayer layer) {
        return suffix(layer.layout()) + "_d" + layer.layout().headDim() + (layer.derived() == null ? "" : "_derived");
    }

    void kvUpdate(CudaActivations keys, CudaActivations values, Step step, StepInputs inputs, int owner) {
        KvLayerLayout layout = layer(step, owner).layout();
        if (layout.type().compressed()) {
            compressed.kvUpdate(keys, values, layout, step, inputs);
            return;
        }
        kernels.kernel("kv_update_" + suffix(layout)).pointer(keys.start()).int32(keys.stride()).pointer(values.start()).int32(values.stride())
                .int32(layout.kvHeads()).int32(layout.headDim()).pointer(inputs.positions()).pointer(inputs.sequences())
                .pointer(inputs.caches(owner)).launch(stream, Grid.of(step.rows()), UPDATE_THREADS, 0);
    }

    void attention(CudaActivations queries, Step step, StepInputs inputs, int owner, int heads, int window, CudaActivations out) {
        CudaKvLayer layer = layer(step, owner);
        KvLayerLayout layout = layer.layout();
        int headDim = layout.headDim();
        int group = heads / layout.kvHeads();
        int rowsPerBlock = BLOCK_QUERIES / group;
        int rowBlocks = Math.ceilDiv(step.rows(), rowsPerBlock);
        int units = layout.kvHeads() * rowBlocks;
        int splits = splits(headDim, units);
        DevicePointer scratch = scratch(units, splits, BLOCK_QUERIES, headDim);
        kernels.kernel("attention_prefill_" + suffix(layer)).pointer(queries.start()).int32(queries.stride()).int32(step.rows())
                .int32(heads).int32(layout.kvHeads()).pointer(inputs.positions()).pointer(inputs.sequences()).pointer(inputs.caches(owner))
                .int32(window).int32(MIN_SPLIT_KEYS).pointer(scratch).pointer(counters(units)).pointer(out.start()).int32(out.stride())
                .launch(stream, new Grid(splits, layout.kvHeads(), rowBlocks), headDim / 2, sharedBytes(layout));
        compressed.restore(out, layout, heads, step.rows());
    }

    private static int sharedBytes(KvLayerLayout layout) {
        if (layout.type().compressed()) {
            return layout.headDim() == 256 ? COMPRESSED_SHARED_BYTES_256 : COMPRESSED_SHARED_BYTES_512;
        }
        return layout.headDim() == 256 ? SHARED_BYTES_256 : SHARED_BYTES_512;
    }

    /** Whether there are kernels for the heads of a layer. */
    static boolean supports(AttentionWeights w) {
        return (w.headDim() == 256 || w.headDim() == 512) && w.heads() % w.kvHeads() == 0 && w.heads() / w.kvHeads() <= BLOCK_QUERIES;
    }

    /**
     * One row: norms of queries, keys and values, rotation, storing where the layer owns keys and values, and attention.
     *
     * @param projected queries, then keys and values where the layer owns them
     */
    void decode(AttentionWeights w, float epsilon, Step step, StepInputs inputs, CudaMatvec.Planes projected, QuantizedVector out) {
        CudaKvLayer layer = layer(step, w.owner());
        KvLayerLayout layout = layer.layout();
        if (layout.type().compressed()) {
            compressed.decode(w, epsilon, layout, inputs, projected, out);
            return;
        }
        int parts = !w.ownsKv() ? 1 : w.value() == null ? 2 : 3;
        int group = w.heads() / w.kvHeads();
        int units = w.kvHeads() * Math.ceilDiv(group, DECODE_COLUMNS);
        boolean clustered = clustered(w, layout, step);
        CudaKernel kernel = kernels.kernel("attention_decode_" + suffix(layer) + (clustered ? "_cluster" : ""))
                .pointer(projected.first()).pointer(projected.second()).int32(parts).int32(w.heads()).int32(w.kvHeads()).int32(group)
                .pointer(layer.queryNorm(w)).pointer(layer.keyNorm(w)).float32(epsilon).pointer(turns.computeIfAbsent(w.rope(), this::turns).pointer())
                .pointer(inputs.positions()).pointer(inputs.caches(w.owner())).int32(w.window());
        if (clustered) {
            output(kernel, out).launchEarly(stream, Grid.of(CLUSTER_BLOCKS, units), CLUSTER_THREADS,
                    w.headDim() == 256 ? CLUSTER_SHARED_BYTES_256 : CLUSTER_SHARED_BYTES_512);
            return;
        }
        int splits = decodeSplits(stream.context().device(), w.headDim(), units);
        DevicePointer scratch = scratch(units, splits, DECODE_COLUMNS, w.headDim());
        kernel.int32(DECODE_MIN_SPLIT_KEYS).pointer(scratch).launchEarlyAlone(stream, Grid.of(splits, units), w.headDim() / 2, 0);
        combine(kernels.kernel("attention_combine_d" + w.headDim()), scratch, splits, w, out)
                .launchEarlyAlone(stream, combineGrid(w.headDim(), units), COMBINE_THREADS, 0);
    }

    private static CudaKernel output(CudaKernel kernel, QuantizedVector out) {
        return kernel.pointer(out.x()).pointer(out.q()).pointer(out.d()).pointer(out.s());
    }

    /** Whether all layers of a step of one row have few keys: other kernels may do then. */
    static boolean isShort(Step step) {
        return step.position(0) < SHORT_CONTEXT_TOKENS;
    }

    /** Whether the blocks of a key/value head are a cluster, which merges by itself: where each block has few keys. */
    private boolean clustered(AttentionWeights w, KvLayerLayout layout, Step step) {
        int keys = isShort(step) ? SHORT_CONTEXT_TOKENS : w.window();
        return stream.context().device().isHopperOrLater() && layout.type() == KvType.F16 && keys <= MAX_CLUSTER_KEYS;
    }

    /** How many blocks share the keys of a unit, so that all blocks run at the same time. */
    static int decodeSplits(CudaDevice device, int headDim, int units) {
        return Math.max(1, device.multiprocessors() * MAX_HEAD_DIM / headDim / units);
    }

    /** Gives the arguments of a kernel that puts partial results together. */
    static CudaKernel combine(CudaKernel kernel, DevicePointer scratch, int splits, AttentionWeights w, QuantizedVector out) {
        return output(kernel.pointer(scratch).int32(splits).int32(w.heads()).int32(w.kvHeads()), out);
    }

    /** Blocks of attention_combine. */
    static Grid combineGrid(int headDim, int units) {
        return new Grid(headDim / COMBINE_DIMS, 2, units);
    }

    private int splits(int headDim, int units) {
        return Math.clamp(2L * stream.context().device().multiprocessors() * MAX_HEAD_DIM / headDim / units, 1, MAX_SPLITS);
    }

    private DevicePointer scratch(int units, int splits, int columns, int headDim) {
        return partials.require(scratchBytes(units, splits, columns, headDim));
    }

    /** Bytes of partial results. */
    static long scratchBytes(int units, int splits, int columns, int headDim) {
        return Float.BYTES * (long) units * ((long) splits * columns * (headDim + 2) + 1);
    }

    /** Full turns for each position, of each pair: the float next to it and what that leaves. */
    private CudaBuffer turns(RopeFrequencies rope) {
        double[] frequencies = rope.inverseFrequencies();
        float[] values = new float[2 * frequencies.length];
        for (int i = 0; i < frequencies.length; i++) {
            double turns = frequencies[i] / (2 * Math.PI);
            values[2 * i] = (float) turns;
            values[2 * i + 1] = (float) (turns - values[2 * i]);
        }
        try (Arena arena = Arena.ofConfined()) {
            return CudaBuffer.of(stream, "rotary frequencies", arena.allocateFrom(ValueLayout.JAVA_FLOAT, values));
        }
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
        turns.values().forEach(CudaBuffer::close);
        turns.clear();
    }
}
