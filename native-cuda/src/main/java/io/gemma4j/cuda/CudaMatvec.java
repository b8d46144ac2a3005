package io.gemma4j.cuda;

import io.gemma4j.cuda.CudaKernel.Grid;
import io.gemma4j.cuda.MatvecLaunch.Footprint;
import io.gemma4j.cuda.MatvecLaunch.Unit;
import io.gemma4j.gguf.GgmlType;
import java.util.Optional;

/** Launches products of one vector with matrices in tiles, most of them with what comes before or after in the same kernel. Used by one thread at a time. */
final class CudaMatvec {
    private static final int QUANTIZE_THREADS = 256;
    private static final int QUANTIZE_COLUMNS = 1024;

    private final KernelLibrary kernels;
    private final CudaStream stream;
    private Footprint next = Footprint.WIDE;

    CudaMatvec(KernelLibrary kernels, CudaStream stream) {
        this.kernels = kernels;
        this.stream = stream;
    }

    /**
     * A result in two parts, since a row may be cut between two blocks: element {@code n} is the sum of both.
     *
     * @param second null pointer where no row is cut
     */
    record Planes(DevicePointer first, DevicePointer second) {
        static final Planes NONE = new Planes(DevicePointer.NULL, DevicePointer.NULL);

        Planes plus(long elements) {
            return new Planes(first.plus(elements * Float.BYTES),
                    second.address() == 0 ? second : second.plus(elements * Float.BYTES));
        }
    }

    /**
     * The input of a mat-vec that completes the residual first: {@code h = (hidden + rms(b) * postNorm) * scale}, where b is {@code branch}, or
     * {@code rms(branch) * branchNorm + rms(other) * otherNorm}; and the input is {@code rms(h) * norm}, or h where {@code norm} is null.
     *
     * @param hiddenOut where h is stored, not {@code hidden}; may be null
     */
    record Residual(DevicePointer hidden, DevicePointer hiddenOut, Planes branch, DevicePointer branchNorm, Planes other, DevicePointer otherNorm,
            DevicePointer postNorm, float scale, DevicePointer norm, float epsilon) {}

    /** Routed experts: which, how many, and how far apart their matrices are. */
    record Experts(DevicePointer ids, int slots, long expertBytes) {}

    /**
     * The largest logit of each part of a row.
     *
     * @param values {@code float[parts]}
     * @param places {@code int[parts]}
     */
    record Maxima(DevicePointer values, DevicePointer places, int parts) {}

    private CudaKernel matrix(String suffix, TileMatrix matrix) {
        return kernels.kernel("matvec_" + matrix.layout().typeName() + suffix).pointer(matrix.start()).int32(matrix.rows())
                .int32(matrix.layout().columns());
    }

    private CudaKernel weights(String suffix, TileMatrix matrix, MatvecLaunch launch) {
        return matrix(suffix, matrix).int32(launch.tilesPerUnit()).int32(launch.unitsPerBlock()).int32(launch.extraUnits()).int32(launch.ringStages());
    }

    private static CudaKernel input(CudaKernel kernel, QuantizedVector in) {
        return kernel.pointer(in.x()).pointer(in.q()).pointer(in.d()).pointer(in.s());
    }

    private static CudaKernel input(CudaKernel kernel, Residual in) {
        return kernel.pointer(in.hidden()).pointer(in.hiddenOut()).pointer(in.branch().first()).pointer(in.branch().second())
                .pointer(in.branchNorm()).pointer(in.other().first()).pointer(in.other().second()).pointer(in.otherNorm()).pointer(in.postNorm())
                .float32(in.scale()).pointer(in.norm()).float32(in.epsilon());
    }

    private static CudaKernel experts(CudaKernel kernel, Experts experts) {
        return kernel.pointer(experts.ids()).int32(experts.slots()).int64(experts.expertBytes());
    }

    private void launch(CudaKernel kernel, MatvecLaunch launch) {
        launch(kernel, launch.grid(), launch.sharedBytes(), launch.footprint());
    }

    private void launch(CudaKernel kernel, int grid, int sharedBytes, Footprint footprint) {
        kernel.launchEarly(stream, Grid.of(grid), MatvecLaunch.THREADS, sharedBytes);
        next = footprint == Footprint.WIDE ? Footprint.NARROW : Footprint.WIDE;
    }

    /** What comes before the next mat-vec takes other space on some multiprocessors than on others: only a wide block is then alone on each. */
    void startWide() {
        next = Footprint.WIDE;
    }

    private MatvecLaunch cut(TileMatrix matrix, Unit unit, boolean normalizes) {
        return MatvecLaunch.of(matrix, unit, normalizes, next, device());
    }

    private CudaDevice device() {
        return stream.context().device();
    }

    /** Rounds the floats of {@code vector} to its 8-bit numbers. */
    void quantize(DevicePointer x, int columns, QuantizedVector to) {
        kernels.kernel("quantize_activations").pointer(x).pointer(DevicePointer.NULL).int32(columns).pointer(to.q()).pointer(to.d()).pointer(to.s())
                .launch(stream, Grid.of(Math.ceilDiv(columns, QUANTIZE_COLUMNS)), QUANTIZE_THREADS, 0);
    }

    /** {@code out = matrix in}; rows are cut where {@code out} has two parts. */
    void multiply(TileMatrix matrix, QuantizedVector in, Planes out) {
        MatvecLaunch launch = cut(matrix, unit(out), false);
        launch(input(weights("", matrix, launch), in).pointer(out.first()).pointer(out.second()), launch);
    }

    /** {@code out = matrix in}. */
    void multiply(TileMatrix matrix, Residual in, Planes out) {
        MatvecLaunch launch = cut(matrix, unit(out), true);
        launch(input(weights("_norm", matrix, launch), in).pointer(out.first()).pointer(out.second()), launch);
    }

    /** Whether one kernel does matrices of both types. */
    static boolean together(TileMatrix first, TileMatrix second) {
        return (first.layout().type() == GgmlType.Q4_K || first.layout().type() == GgmlType.Q5_K) && second.layout().type() == GgmlType.Q6_K;
    }

    /** {@code out = first in}, and after it {@code second in}; rows are cut. */
    void multiply(TileMatrix first, TileMatrix second, Residual in, Planes out) {
        // Each gets blocks by its bytes.
        long firstBytes = first.layout().bytes(first.rows());
        int blocks = device().multiprocessors();
        int firstBlocks = Math.clamp(blocks * firstBytes / (firstBytes + second.layout().bytes(second.rows())), 1, blocks - 1);
        MatvecLaunch a = MatvecLaunch.of(first, Unit.TILE, true, 1, false, firstBlocks, next, device());
        MatvecLaunch b = MatvecLaunch.of(second, Unit.TILE, true, 1, false, blocks - firstBlocks, next, device());
        CudaKernel kernel = weights("_" + second.layout().typeName() + "_norm", first, a).pointer(second.start()).int32(second.rows())
                .int32(b.unitsPerBlock()).int32(b.extraUnits()).int32(a.grid()).int32(b.ringStages());
        MatvecLaunch larger = a.sharedBytes() > b.sharedBytes() ? a : b;
        launch(input(kernel, in).pointer(out.first()).pointer(out.second()), a.grid() + b.grid(), larger.sharedBytes(), larger.footprint());
    }

    private static Unit unit(Planes out) {
        return out.second().address() == 0 ? Unit.ROW_TILE : Unit.TILE;
    }

    /** {@code out[n] = geluTanh(gate row n) * up row n}, of a matrix whose gate and up rows alternate by fours. */
    void geglu(TileMatrix gateUp, Residual in, QuantizedVector out) {
        MatvecLaunch launch = cut(gateUp, Unit.FOUR_ROW_TILES, true);
        launch(input(input(weights("_norm_geglu", gateUp, launch), in), out), launch);
    }

    /** {@code out[n] = geluTanh(row n) * multiplier[n]}. */
    void gelu(TileMatrix matrix, Residual in, DevicePointer multiplier, QuantizedVector out) {
        MatvecLaunch launch = cut(matrix, Unit.TWO_ROW_TILES, true);
        launch(input(input(weights("_norm_gelu", matrix, launch), in).pointer(multiplier), out), launch);
    }

    /** How {@link #projectGelu} does both at once; empty if it cannot. */
    Optional<GatedProjectionLaunch> gatedProjection(TileMatrix gate, TileMatrix projection) {
        return GatedProjectionLaunch.of(gate, projection, device());
    }

    /** {@code out = projection gated}, where {@code gated[n] = geluTanh(gate row n) * multiplier[n]}. */
    void projectGelu(TileMatrix gate, TileMatrix projection, GatedProjectionLaunch launch, Residual in, DevicePointer multiplier, Planes out) {
        CudaKernel kernel = matrix("_norm_gelu_project", gate).pointer(projection.start()).int32(projection.rows());
        launch(input(kernel, in).pointer(multiplier).pointer(out.first()).pointer(out.second()), launch.grid(), launch.sharedBytes(), Footprint.NARROW);
    }

    /**
     * {@code logits = softcap(matrix in)}.
     *
     * @param softcap 0 for none
     * @param blockMaxima a {@code float} and an {@code int} for each multiprocessor
     * @return the largest logits, which are in {@code blockMaxima}
     */
    Maxima head(TileMatrix matrix, Residual in, DevicePointer logits, float softcap, DevicePointer blockMaxima) {
        MatvecLaunch launch = cut(matrix, Unit.ROW_TILE, true);
        Maxima maxima = new Maxima(blockMaxima, blockMaxima.plus((long) launch.grid() * Float.BYTES), launch.workers());
        launch(input(weights("_norm_head", matrix, launch), in).pointer(logits).float32(softcap).pointer(maxima.values()).pointer(maxima.places()), launch);
        return maxima;
    }

    /** {@link #geglu} of each chosen expert; {@code out} has one after the other. */
    void expertsGeglu(TileMatrix gateUp, Experts chosen, Residual in, QuantizedVector out) {
        MatvecLaunch launch = MatvecLaunch.of(gateUp, Unit.FOUR_ROW_TILES, true, chosen.slots(), false, device().multiprocessors(), next, device());
        launch(input(input(experts(weights("_experts_norm_geglu", gateUp, launch), chosen), in), out), launch);
    }

    /** {@code out = sum_i expertWeights[i] * (matrix of expert i) in_i}. */
    void expertsSum(TileMatrix matrix, Experts chosen, DevicePointer expertWeights, QuantizedVector in, Planes out) {
        MatvecLaunch launch = MatvecLaunch.of(matrix, unit(out), false, chosen.slots(), true, device().multiprocessors(), next, device());
        launch(input(experts(weights("_experts", matrix, launch), chosen).pointer(expertWeights), in).pointer(out.first()).pointer(out.second()),
                launch);
    }
}
