package io.gemma4j.backend.cpu;

import io.gemma4j.backend.Activations;
import io.gemma4j.backend.KvLayer;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.RopeFrequencies;
import io.gemma4j.backend.Routing;
import io.gemma4j.backend.Step;
import io.gemma4j.backend.Weight;
import io.gemma4j.backend.cpu.kernel.FloatKernels;
import io.gemma4j.os.OperatingSystem;
import io.gemma4j.tensor.QuantizedTensor;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Map;

/** The operations on the processor: every loop is split among the workers of one pool. */
final class CpuBackend implements ModelBackend {
    private static final int ELEMENTS_PER_TASK = 4096;

    private final long modelBytes;
    private final WorkerPool pool;
    private final KernelSet kernels;
    private final FloatKernels floats;
    private final CpuMatmul matmul;
    private final CpuKvUpdate kvUpdate;
    private final CpuAttention attention;
    private final Map<RopeFrequencies, RopeAngles> angles = new IdentityHashMap<>();

    /** @param modelBytes of the mapped file: as long as it is not in memory, that counts as free */
    CpuBackend(int threads, KernelSet kernels, long modelBytes) {
        this.modelBytes = modelBytes;
        this.pool = new WorkerPool(threads);
        this.kernels = kernels;
        this.floats = kernels.floats();
        this.matmul = new CpuMatmul(pool, floats);
        this.kvUpdate = new CpuKvUpdate(pool, kernels);
        this.attention = new CpuAttention(pool, kernels);
    }

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public String describe() {
        return "cpu, " + pool.workers() + " threads, " + kernels.description();
    }

    @Override
    public long freeBytes() {
        return Math.max(0, OperatingSystem.availableMemoryBytes() - modelBytes);
    }

    @Override
    public int maxStepRows(int wantedRows, long bytesPerRow) {
        return stepRows(Runtime.getRuntime().maxMemory(), wantedRows, bytesPerRow);
    }

    static int stepRows(long heapBytes, int wantedRows, long bytesPerRow) {
        // Activations are on the Java heap, which may be small: they get a quarter of it at most. Each kind of them is one Java array.
        long mostBytes = Math.min(heapBytes / 4, (long) Integer.MAX_VALUE * Float.BYTES);
        return Math.clamp(mostBytes / bytesPerRow, 1, wantedRows);
    }

    @Override
    public Weight upload(QuantizedTensor tensor) {
        return new CpuWeight(tensor, kernels.rows(tensor.type()), kernels.int8(tensor.type()));
    }

    @Override
    public Activations allocateActivations(int rows, int width) {
        return CpuActivations.allocate(rows, width);
    }

    @Override
    public Routing allocateRouting(int rows, int expertsPerRow) {
        return CpuRouting.allocate(rows, expertsPerRow);
    }

    @Override
    public KvLayer allocateKv(KvLayerLayout layout) {
        return new CpuKvLayer(layout);
    }

    @Override
    public void embed(Weight table, Step step, int firstColumn, float scale, Activations out) {
        CpuWeight weight = (CpuWeight) table;
        CpuActivations to = (CpuActivations) out;
        long columnBytes = weight.type().rowBytes(firstColumn);
        pool.run(step.rows(), (row, worker) -> {
            int token = step.token(row);
            weight.kernel().dequantize(weight.bytes(token), weight.offset(token) + columnBytes, to.data(), to.row(row), to.width());
            floats.scale(scale, to.data(), to.row(row), to.width());
        });
    }

    @Override
    public void matmul(Weight weight, Activations in, Activations out, int rows) {
        matmul.matmul((CpuWeight) weight, (CpuActivations) in, (CpuActivations) out, rows);
    }

    @Override
    public void rmsNorm(Activations in, Weight norm, int groups, float epsilon, Activations out, int rows) {
        CpuActivations from = (CpuActivations) in;
        CpuActivations to = (CpuActivations) out;
        float[] factors = norm == null ? null : ((CpuWeight) norm).vector();
        int width = from.width() / groups;
        pool.run(rows, (row, worker) -> {
            for (int group = 0; group < groups; group++) {
                int at = from.row(row) + group * width;
                floats.normalize(from.data(), at, inverseRms(from.data(), at, width, epsilon), factors, to.data(), to.row(row) + group * width,
                        width);
            }
        });
    }

    @Override
    public void addRmsNorm(Activations in, Weight norm, float epsilon, Activations residual, int rows) {
        CpuActivations from = (CpuActivations) in;
        CpuActivations to = (CpuActivations) residual;
        float[] factors = ((CpuWeight) norm).vector();
        pool.run(rows, (row, worker) -> {
            int at = from.row(row);
            floats.addNormalized(from.data(), at, inverseRms(from.data(), at, from.width(), epsilon), factors, to.data(), to.row(row), from.width());
        });
    }

    private float inverseRms(float[] x, int offset, int width, float epsilon) {
        return (float) (1 / Math.sqrt((double) floats.dot(x, offset, x, offset, width) / width + epsilon));
    }

    @Override
    public void ropeHalfSplit(Activations heads, Step step, RopeFrequencies rope) {
        CpuActivations x = (CpuActivations) heads;
        RopeAngles table = angles.computeIfAbsent(rope, RopeAngles::new);
        table.prepare(step);
        int headDim = rope.headDim();
        pool.run(step.rows(), (row, worker) -> {
            for (int head = 0; head < x.width(); head += headDim) {
                floats.ropeHalfSplit(x.data(), x.row(row) + head, headDim / 2, table.cos(), table.sin(), row * headDim / 2);
            }
        });
    }

    @Override
    public void kvUpdate(Activations keys, Activations values, Step step, int owner) {
        kvUpdate.kvUpdate((CpuActivations) keys, (CpuActivations) values, step, owner);
    }

    @Override
    public void attention(Activations queries, Step step, int owner, int heads, int window, Activations out) {
        attention.attention((CpuActivations) queries, step, owner, heads, window, (CpuActivations) out);
    }

    @Override
    public void geglu(Activations gate, Activations up, Activations out, int rows) {
        CpuActivations g = (CpuActivations) gate;
        CpuActivations u = (CpuActivations) up;
        CpuActivations to = (CpuActivations) out;
        forEachRun(rows, g.width(), (row, first, count) -> floats.geglu(g.data(), g.row(row) + first, u.data(), u.row(row) + first, to.data(),
                to.row(row) + first, count));
    }

    @Override
    public void add(Activations x, Activations y, float scale, int rows) {
        CpuActivations a = (CpuActivations) x;
        CpuActivations b = (CpuActivations) y;
        forEachRun(rows, a.width(), (row, first, count) -> floats.add(a.data(), a.row(row) + first, b.data(), b.row(row) + first, scale, count));
    }

    @Override
    public void scale(Activations x, float scale, int rows) {
        CpuActivations a = (CpuActivations) x;
        forEachRun(rows, a.width(), (row, first, count) -> floats.scale(scale, a.data(), a.row(row) + first, count));
    }

    @Override
    public void copy(Activations in, Activations out, int rows) {
        for (int row = 0; row < rows; row++) {
            copyRow((CpuActivations) in, row, (CpuActivations) out, row);
        }
    }

    @Override
    public void gatherLogitRows(Activations in, Step step, Activations out) {
        // Rows only move to lower places, so working in place loses nothing.
        for (int i = 0; i < step.logitRowCount(); i++) {
            copyRow((CpuActivations) in, step.logitRow(i), (CpuActivations) out, i);
        }
    }

    private static void copyRow(CpuActivations in, int fromRow, CpuActivations out, int toRow) {
        System.arraycopy(in.data(), in.row(fromRow), out.data(), out.row(toRow), in.width());
    }

    @Override
    public void routeExperts(Activations routerLogits, Weight expertScale, Routing routing, int rows) {
        CpuActivations logits = (CpuActivations) routerLogits;
        float[] scale = ((CpuWeight) expertScale).vector();
        for (int row = 0; row < rows; row++) {
            ExpertRouter.route(logits.data(), logits.row(row), scale, (CpuRouting) routing, row);
        }
    }

    @Override
    public void expertMatmul(Weight experts, Activations in, boolean inputPerExpert, Routing routing, Activations out, int rows) {
        matmul.expertMatmul((CpuWeight) experts, (CpuActivations) in, inputPerExpert, (CpuRouting) routing, (CpuActivations) out, rows);
    }

    @Override
    public void combineExperts(Activations in, Routing routing, Activations out, int rows) {
        CpuActivations from = (CpuActivations) in;
        CpuActivations to = (CpuActivations) out;
        CpuRouting choice = (CpuRouting) routing;
        int perRow = choice.expertsPerRow();
        pool.run(rows, (row, worker) -> {
            Arrays.fill(to.data(), to.row(row), to.row(row) + to.width(), 0);
            for (int slot = row * perRow; slot < (row + 1) * perRow; slot++) {
                floats.addScaled(choice.weights()[slot], from.data(), from.row(slot), to.data(), to.row(row), to.width());
            }
        });
    }

    @Override
    public void softcap(Activations x, float cap, int rows) {
        CpuActivations a = (CpuActivations) x;
        forEachRun(rows, a.width(), (row, first, count) -> floats.softcap(a.data(), a.row(row) + first, cap, count));
    }

    @Override
    public void read(Activations in, int row, float[] out) {
        CpuActivations from = (CpuActivations) in;
        System.arraycopy(from.data(), from.row(row), out, 0, from.width());
    }

    @Override
    public void close() {
        pool.close();
    }

    @FunctionalInterface
    private interface Run {
        void apply(int row, int firstColumn, int columns);
    }

    private void forEachRun(int rows, int width, Run run) {
        int runsPerRow = Math.ceilDiv(width, ELEMENTS_PER_TASK);
        pool.run(rows * runsPerRow, (task, worker) -> {
            int first = task % runsPerRow * ELEMENTS_PER_TASK;
            run.apply(task / runsPerRow, first, Math.min(ELEMENTS_PER_TASK, width - first));
        });
    }
}
