package io.gemma4j.cuda;

import io.gemma4j.KvType;
import io.gemma4j.backend.AttentionWeights;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.Step;
import io.gemma4j.cuda.CudaKernel.Grid;
import java.util.Locale;

/** Launches what compressed key/value caches need of their own. Used by one thread at a time. Closing frees its scratch memory. */
final class CompressedAttention implements AutoCloseable {
    private static final int HEADS_PER_BLOCK = 8;
    private static final int HEAD_THREADS = 256;
    // Query heads of a block of a decoding step.
    private static final int DECODE_COLUMNS = 8;
    private static final int DECODE_MIN_SPLIT_KEYS = 32;
    // What attention_combine_rotated takes.
    private static final int MAX_SPLITS = 256;
    private static final int COMBINE_ROTATED_THREADS = 512;
    // Positions are unpacked in memory that grows by so many, and unless a single head needs more, takes no more than so many bytes.
    private static final int UNPACKED_TOKENS = 32_768;
    private static final long UNPACKED_BYTES = 256L << 20;
    private static final int CACHE_RECORD_BYTES = 256;

    private final KernelLibrary kernels;
    private final CudaStream stream;
    private final CudaElementwise elementwise;
    private final ScratchMemory queries;
    private final ScratchMemory partials;
    private final ScratchMemory unpacked;

    CompressedAttention(KernelLibrary kernels, CudaStream stream, CudaElementwise elementwise, Runnable onMove) {
        this.kernels = kernels;
        this.stream = stream;
        this.elementwise = elementwise;
        queries = new ScratchMemory(stream.context(), "queries of compressed caches", onMove);
        partials = new ScratchMemory(stream.context(), "partial results over compressed caches", onMove);
        unpacked = new ScratchMemory(stream.context(), "unpacked keys and values", onMove);
    }

    /** The end of the names of kernels for a layer's cache, e.g. {@code tq4_d512}. */
    private static String suffix(KvLayerLayout layout) {
        return layout.type().name().toLowerCase(Locale.ROOT) + "_d" + layout.headDim();
    }

    private static boolean rotated(KvLayerLayout layout) {
        return layout.type() == KvType.TQ4;
    }

    private static Grid headGrid(int rows, int heads) {
        return Grid.of(rows, Math.ceilDiv(heads, HEADS_PER_BLOCK));
    }

    void kvUpdate(CudaActivations keys, CudaActivations values, KvLayerLayout layout, Step step, StepInputs inputs) {
        kernels.kernel("kv_update_" + suffix(layout)).pointer(keys.start()).int32(keys.stride()).pointer(values.start()).int32(values.stride())
                .int32(layout.kvHeads()).pointer(inputs.positions()).pointer(inputs.sequences()).pointer(inputs.caches(layout.layer()))
                .launch(stream, headGrid(step.rows(), 2 * layout.kvHeads()), HEAD_THREADS, 0);
    }

    /** Takes the rotation of a cache back from what attention over it gave, in place; nothing to do for caches that are not rotated. */
    void restore(CudaActivations attended, KvLayerLayout layout, int heads, int rows) {
        if (rotated(layout)) {
            kernels.kernel("head_restore_d" + layout.headDim()).pointer(attended.start()).int64(attended.stride()).int32(heads)
                    .launch(stream, headGrid(rows, heads), HEAD_THREADS, 0);
        }
    }

    /**
     * Where projections stand.
     *
     * @param addendBytes what stands so many bytes further on is added; 0 for nothing
     */
    private record Projections(CudaActivations query, CudaActivations key, CudaActivations value, long addendBytes) {}

    private CudaKernel heads(AttentionWeights w, float epsilon, KvLayerLayout layout, StepInputs inputs, Projections from) {
        DevicePointer none = DevicePointer.NULL;
        return kernels.kernel("attention_heads_" + suffix(layout)).pointer(from.query.start()).int64(from.query.stride())
                .pointer(w.ownsKv() ? from.key.start() : none).int64(from.key.stride()).pointer(w.ownsKv() ? from.value.start() : none)
                .int64(from.value.stride()).int64(from.addendBytes / Float.BYTES).int32(w.heads()).int32(w.kvHeads())
                .pointer(((CudaWeight) w.queryNorm()).vector()).pointer(w.ownsKv() ? ((CudaWeight) w.keyNorm()).vector() : none).float32(epsilon)
                .pointer(elementwise.inverseFrequencies(w.rope())).pointer(inputs.positions()).pointer(inputs.caches(layout.layer()));
    }

    private static Grid headGrid(AttentionWeights w, int rows) {
        return headGrid(rows, w.heads() + (w.ownsKv() ? 2 * w.kvHeads() : 0));
    }

    /**
     * One row: norms of queries, keys and values, rotation, storing where the layer owns keys and values, and attention.
     *
     * @param projected queries, then keys and values where the layer owns them
     */
    void decode(AttentionWeights w, float epsilon, KvLayerLayout layout, StepInputs inputs, CudaMatvec.Planes projected, QuantizedVector out) {
        int queryElements = w.heads() * w.headDim();
        int keyElements = w.kvHeads() * w.headDim();
        DevicePointer keys = projected.first().plus((long) queryElements * Float.BYTES);
        DevicePointer values = w.value() == null ? keys : keys.plus((long) keyElements * Float.BYTES);
        DevicePointer floats = queries.require((long) queryElements * Float.BYTES);
        long addend = projected.second().address() == 0 ? 0 : projected.second().address() - projected.first().address();
        heads(w, epsilon, layout, inputs, new Projections(row(projected.first(), queryElements), row(keys, keyElements), row(values, keyElements), addend))
                .pointer(DevicePointer.NULL).pointer(floats).launchEarlyAlone(stream, headGrid(w, 1), HEAD_THREADS, 0);

        int columns = Math.min(DECODE_COLUMNS, w.heads() / w.kvHeads());
        int units = w.kvHeads() * Math.ceilDiv(w.heads() / w.kvHeads(), DECODE_COLUMNS);
        int splits = Math.min(CudaAttention.decodeSplits(stream.context().device(), w.headDim(), units), MAX_SPLITS);
        DevicePointer scratch = partials.require(CudaAttention.scratchBytes(units, splits, DECODE_COLUMNS, w.headDim()));
        kernels.kernel("attention_decode_" + suffix(layout)).pointer(floats).int32(w.heads()).int32(w.kvHeads()).pointer(inputs.positions())
                .pointer(inputs.caches(layout.layer())).int32(w.window()).int32(DECODE_MIN_SPLIT_KEYS).pointer(scratch)
                .launchEarlyAlone(stream, Grid.of(splits, units), w.headDim() / 2, 0);
        if (rotated(layout)) {
            CudaAttention.combine(kernels.kernel("attention_combine_rotated_d" + w.headDim()), scratch, splits, w, out)
                    .launchEarlyAlone(stream, Grid.of(columns, units), COMBINE_ROTATED_THREADS, 0);
        } else {
            CudaAttention.combine(kernels.kernel("attention_combine_d" + w.headDim()), scratch, splits, w, out)
                    .launchEarlyAlone(stream, CudaAttention.combineGrid(w.headDim(), units), CudaAttention.COMBINE_THREADS, 0);
        }
    }

    private static CudaActivations row(DevicePointer start, int width) {
        return new CudaActivations(start, width, 1, width);
    }

    /** Norms and rotation of many rows: queries go to {@code halves} as 16-bit floats, keys and values to the cache where the layer owns them. */
    void prefillHeads(AttentionWeights w, float epsilon, KvLayerLayout layout, Step step, StepInputs inputs, CudaActivations query, CudaActivations key,
            CudaActivations value, DevicePointer halves) {
        heads(w, epsilon, layout, inputs, new Projections(query, key, value, 0)).pointer(halves).pointer(DevicePointer.NULL)
                .launch(stream, headGrid(w, step.rows()), HEAD_THREADS, 0);
    }

    /** What attends to some key/value heads, whose keys and values {@code cache} has as 16-bit floats. */
    interface Pass {
        void attend(DevicePointer cache, int firstHead, int heads);
    }

    /** Unpacks the cache of a step's only sequence, up to the step's last position: as many key/value heads at a time as memory is meant for. */
    void unpack(KvLayerLayout layout, Step step, StepInputs inputs, Pass pass) {
        int tokens = step.position(step.rows() - 1) + 1;
        int slots = Math.ceilDiv(tokens, UNPACKED_TOKENS) * UNPACKED_TOKENS;
        long headBytes = 2L * slots * layout.headDim() * Short.BYTES;
        int headsAtOnce = Math.clamp(UNPACKED_BYTES / headBytes, 1, layout.kvHeads());
        DevicePointer record = unpacked.require(CACHE_RECORD_BYTES + headsAtOnce * headBytes);
        for (int first = 0; first < layout.kvHeads(); first += headsAtOnce) {
            int heads = Math.min(headsAtOnce, layout.kvHeads() - first);
            kernels.kernel("unpack_kv_" + suffix(layout)).pointer(inputs.caches(layout.layer())).int32(first).int32(heads).int32(tokens)
                    .int32(step.spans().getFirst().firstPosition()).pointer(record.plus(CACHE_RECORD_BYTES)).int32(slots).pointer(record)
                    .launch(stream, new Grid(Math.ceilDiv(tokens, HEADS_PER_BLOCK), heads, 2), HEAD_THREADS, 0);
            pass.attend(record, first, heads);
        }
    }

    @Override
    public void close() {
        queries.close();
        partials.close();
        unpacked.close();
    }
}
