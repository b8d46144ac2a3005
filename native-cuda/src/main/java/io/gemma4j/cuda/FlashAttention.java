package io.gemma4j.cuda;

import io.gemma4j.KvType;
import io.gemma4j.backend.AttentionWeights;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.Step;
import io.gemma4j.cuda.CudaKernel.Grid;

/**
 * Launches attention of many rows of one sequence by warpgroup instructions: queries, keys and values are normed, rotated and stored as 16-bit floats, and the
 * result is the input of the next product. Used by one thread at a time. Closing frees its scratch memory.
 */
final class FlashAttention implements AutoCloseable {
    private static final int HEADS_PER_BLOCK = 8;
    private static final int HEAD_THREADS = 256;
    private static final int THREADS = 384;
    // Keys of one block that take so short that a few blocks are enough.
    private static final int FEW_KEYS = 8192;

    private final KernelLibrary kernels;
    private final CudaStream stream;
    private final CudaElementwise elementwise;
    private final CompressedAttention compressed;
    private final boolean warpgroups;
    private final ScratchMemory queries;

    /** {@code warpgroups}: see {@link ProductKernel#of}. */
    FlashAttention(KernelLibrary kernels, CudaStream stream, CudaElementwise elementwise, CompressedAttention compressed, boolean warpgroups,
            Runnable onMove) {
        this.kernels = kernels;
        this.stream = stream;
        this.elementwise = elementwise;
        this.compressed = compressed;
        this.warpgroups = warpgroups;
        queries = new ScratchMemory(stream.context(), "queries of many rows", onMove);
    }

    /** A kernel: rows of its blocks, which are tokens times the query heads of a key/value head, and their shared memory. */
    private enum Shape {
        D256(128, 197_632),
        D512(64, 214_016);

        final int blockRows;
        final int sharedBytes;

        Shape(int blockRows, int sharedBytes) {
            this.blockRows = blockRows;
            this.sharedBytes = sharedBytes;
        }

        static Shape of(int headDim) {
            return headDim == 256 ? D256 : headDim == 512 ? D512 : null;
        }
    }

    /** Whether there is a kernel for these heads and this cache, and the step has one sequence with enough rows to fill the device. */
    boolean supports(AttentionWeights w, Step step) {
        Shape shape = Shape.of(w.headDim());
        if (!warpgroups || shape == null || step.spans().size() != 1 || !readable(CudaAttention.layer(step, w.owner()).layout(), step) || w.heads() % w.kvHeads() != 0
                || shape.blockRows % (w.heads() / w.kvHeads()) != 0) {
            return false;
        }
        int keys = Math.min(w.window(), step.position(step.rows() - 1) + 1);
        Grid grid = grid(w, shape, step.rows());
        return keys <= FEW_KEYS || 2L * grid.x() * grid.y() >= stream.context().device().multiprocessors();
    }

    /** As it is, or once it is unpacked. */
    private static boolean readable(KvLayerLayout layout, Step step) {
        return layout.type() == KvType.F16 || layout.type().compressed() && step.position(step.rows() - 1) < layout.slots();
    }

    private static Grid grid(AttentionWeights w, Shape shape, int rows) {
        return Grid.of(Math.ceilDiv(rows, shape.blockRows / (w.heads() / w.kvHeads())), w.kvHeads());
    }

    /**
     * From projections to the attended heads. Keys and values are stored where the layer owns them; without a value projection, values are the raw keys.
     *
     * @param out a panel {@code [rows][heads * headDim]}
     */
    void attend(AttentionWeights w, float epsilon, Step step, StepInputs inputs, CudaActivations query, CudaActivations key, CudaActivations value,
            HalfPanel out) {
        Shape shape = Shape.of(w.headDim());
        int rows = step.rows();
        CudaActivations values = w.value() == null ? key : value;
        DevicePointer halves = queries.require((long) rows * w.heads() * w.headDim() * Short.BYTES);
        CudaKvLayer layer = CudaAttention.layer(step, w.owner());
        KvLayerLayout layout = layer.layout();
        if (layout.type().compressed()) {
            compressed.prefillHeads(w, epsilon, layout, step, inputs, query, key, values, halves);
            int group = w.heads() / w.kvHeads();
            compressed.unpack(layout, step, inputs, (cache, firstHead, heads) -> {
                int before = firstHead * group * w.headDim();
                attend(w, shape, step, heads, halves.plus((long) before * Short.BYTES), cache, out.start().plus(HalfPanel.matrixBytes(rows, before)),
                        out.groups());
            });
            return;
        }
        DevicePointer none = DevicePointer.NULL;
        int heads = w.heads() + (w.ownsKv() ? 2 * w.kvHeads() : 0);
        kernels.kernel("prefill_heads_d" + w.headDim()).pointer(query.start()).int64(query.stride()).pointer(w.ownsKv() ? key.start() : none)
                .int64(key.stride()).pointer(w.ownsKv() ? values.start() : none).int64(values.stride()).int32(w.heads()).int32(w.kvHeads())
                .pointer(layer.queryNorm(w)).pointer(layer.keyNorm(w)).float32(epsilon)
                .pointer(elementwise.inverseFrequencies(w.rope())).pointer(inputs.positions()).pointer(inputs.caches(w.owner())).pointer(halves)
                .launch(stream, Grid.of(rows, Math.ceilDiv(heads, HEADS_PER_BLOCK)), HEAD_THREADS, 0);
        attend(w, shape, step, w.kvHeads(), halves, inputs.caches(w.owner()), out.start(), out.groups());
    }

    /** For the first {@code kvHeads} of {@code cache}; {@code halves} and {@code out} begin with their query heads. */
    private void attend(AttentionWeights w, Shape shape, Step step, int kvHeads, DevicePointer halves, DevicePointer cache, DevicePointer out, int groups) {
        kernels.kernel("attention_flash_d" + w.headDim()).pointer(halves).int32(step.rows()).int32(w.heads()).int32(w.kvHeads())
                .int32(step.spans().getFirst().firstPosition()).pointer(cache).int32(w.window()).pointer(out).int32(groups)
                .launch(stream, Grid.of(grid(w, shape, step.rows()).x(), kvHeads), THREADS, shape.sharedBytes);
    }

    @Override
    public void close() {
        queries.close();
    }
}
