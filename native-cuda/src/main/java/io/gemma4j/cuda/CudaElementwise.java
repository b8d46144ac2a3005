package io.gemma4j.cuda;

import io.gemma4j.backend.RopeFrequencies;
import io.gemma4j.backend.Step;
import io.gemma4j.cuda.CudaKernel.Grid;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.IdentityHashMap;
import java.util.Map;

/** Launches the operations that go over rows element by element, and norms. Used by one thread at a time. Closing frees its tables. */
final class CudaElementwise implements AutoCloseable {
    private static final int THREADS = 256;
    private static final int MAX_NORM_THREADS = 1024;
    private static final int WARP = 32;
    // An embedding thread decodes this many elements, a norm's thread about as many as that.
    private static final int EMBED_RUN = 16;
    private static final int NORM_RUN = 4;
    // What a block that looks up a layer's embedding has room for.
    private static final int MAX_LAYER_COLUMNS = 1024;

    private final KernelLibrary kernels;
    private final CudaStream stream;
    private final Map<RopeFrequencies, CudaBuffer> frequencies = new IdentityHashMap<>();

    CudaElementwise(KernelLibrary kernels, CudaStream stream) {
        this.kernels = kernels;
        this.stream = stream;
    }

    private static Grid grid(int width, int rows) {
        return Grid.of(Math.ceilDiv(width, THREADS), rows);
    }

    private static int normThreads(int width) {
        return Math.min(MAX_NORM_THREADS, Math.ceilDiv(width, NORM_RUN * WARP) * WARP);
    }

    /** {@code rowsOfTable}: as the file has them. */
    void embed(CudaWeight table, DevicePointer rowsOfTable, StepInputs step, int firstColumn, float scale, CudaActivations out, int rows) {
        int runs = Math.ceilDiv(out.width(), EMBED_RUN);
        int threads = runs >= THREADS ? THREADS : WARP;
        kernels.kernel("embed_" + table.kernelType()).pointer(rowsOfTable).int32(table.columns()).pointer(step.tokens()).int32(firstColumn)
                .float32(scale).pointer(out.start()).int64(out.stride()).int32(out.width())
                // Not early: kernels after it read what older steps wrote before they wait.
                .launch(stream, Grid.of(Math.ceilDiv(runs, threads), rows), threads, 0);
    }

    /** Whether {@link #perLayerInput} can be had for layers of {@code width} columns. */
    static boolean hasPerLayerInput(int width) {
        return width <= MAX_LAYER_COLUMNS;
    }

    /**
     * What per-layer embeddings add to a run of layers, of the token of a step of one row:
     * {@code (rms(projected) * norm + sqrt(width) * table[token]) / sqrt(2)}.
     *
     * @param rowsOfTable as the file has them
     * @param out {@code float[layers * width]}
     */
    void perLayerInput(CudaMatvec.Planes projected, DevicePointer norm, float epsilon, CudaWeight table, DevicePointer rowsOfTable, StepInputs step,
            int firstLayer, int layers, int width, DevicePointer out) {
        String type = table.kernelType();
        kernels.kernel("embed_" + type, "per_layer_input_" + type).pointer(projected.first()).pointer(projected.second()).pointer(norm)
                .float32(epsilon).pointer(rowsOfTable).int32(table.columns()).pointer(step.tokens()).int32(firstLayer * width)
                .float32((float) Math.sqrt(width)).pointer(out).int32(width).launchEarly(stream, Grid.of(layers), THREADS, 0);
    }

    /** {@code norm} may be null. */
    void rmsNorm(CudaActivations in, DevicePointer norm, int groups, float epsilon, CudaActivations out, int rows) {
        int width = in.width() / groups;
        kernels.kernel("rms_norm").pointer(in.start()).int64(in.stride()).pointer(norm == null ? DevicePointer.NULL : norm).int32(width)
                .float32(epsilon).pointer(out.start()).int64(out.stride()).launch(stream, Grid.of(groups, rows), normThreads(width), 0);
    }

    void addRmsNorm(CudaActivations in, DevicePointer norm, float epsilon, CudaActivations residual, int rows) {
        kernels.kernel("add_rms_norm").pointer(in.start()).int64(in.stride()).pointer(norm).int32(in.width()).float32(epsilon)
                .pointer(residual.start()).int64(residual.stride()).launch(stream, Grid.of(1, rows), normThreads(in.width()), 0);
    }

    void ropeHalfSplit(CudaActivations heads, StepInputs step, RopeFrequencies rope, int rows) {
        int headCount = heads.width() / rope.headDim();
        int threads = Math.min(THREADS, rope.headDim() / 2);
        kernels.kernel("rope_half_split").pointer(heads.start()).int64(heads.stride()).int32(headCount).int32(rope.headDim())
                .pointer(inverseFrequencies(rope)).pointer(step.positions())
                .launch(stream, new Grid(Math.ceilDiv(rope.headDim() / 2, threads), rows, headCount), threads, 0);
    }

    /** {@code double[headDim / 2]}, radians for each position. */
    DevicePointer inverseFrequencies(RopeFrequencies rope) {
        return frequencies.computeIfAbsent(rope, this::upload).pointer();
    }

    private CudaBuffer upload(RopeFrequencies rope) {
        try (Arena arena = Arena.ofConfined()) {
            return CudaBuffer.of(stream, "rotary frequencies", arena.allocateFrom(ValueLayout.JAVA_DOUBLE, rope.inverseFrequencies()));
        }
    }

    void geglu(CudaActivations gate, CudaActivations up, CudaActivations out, int rows) {
        kernels.kernel("geglu").pointer(gate.start()).int64(gate.stride()).pointer(up.start()).int64(up.stride()).pointer(out.start())
                .int64(out.stride()).int32(out.width()).launch(stream, grid(out.width(), rows), THREADS, 0);
    }

    void add(CudaActivations x, CudaActivations y, float scale, int rows) {
        kernels.kernel("add").pointer(x.start()).int64(x.stride()).pointer(y.start()).int64(y.stride()).float32(scale).int32(x.width())
                .launch(stream, grid(x.width(), rows), THREADS, 0);
    }

    void scale(CudaActivations x, float scale, int rows) {
        kernels.kernel("scale").pointer(x.start()).int64(x.stride()).float32(scale).int32(x.width())
                .launch(stream, grid(x.width(), rows), THREADS, 0);
    }

    void copy(CudaActivations in, CudaActivations out, int rows) {
        kernels.kernel("copy").pointer(in.start()).int64(in.stride()).pointer(out.start()).int64(out.stride()).int32(in.width())
                .launch(stream, grid(in.width(), rows), THREADS, 0);
    }

    void gatherLogitRows(CudaActivations in, Step step, StepInputs inputs, CudaActivations out) {
        kernels.kernel("gather_logit_rows").pointer(in.start()).int64(in.stride()).pointer(inputs.logitRows()).int32(step.logitRowCount())
                .pointer(out.start()).int64(out.stride()).int32(in.width()).launch(stream, grid(in.width(), 1), THREADS, 0);
    }

    void softcap(CudaActivations x, float cap, int rows) {
        kernels.kernel("softcap").pointer(x.start()).int64(x.stride()).float32(cap).int32(x.width())
                .launch(stream, grid(x.width(), rows), THREADS, 0);
    }

    @Override
    public void close() {
        frequencies.values().forEach(CudaBuffer::close);
        frequencies.clear();
    }
}
