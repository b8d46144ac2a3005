package io.gemma4j.metal;

import java.util.List;

/** Root-mean-square norms, by themselves and with the addition to the residual. Used by one thread at a time. */
final class MetalNorm {
    /** Inputs of next projections that one pass makes, at most. */
    static final int MAX_NEXT_INPUTS = 3;

    private final KernelLibrary kernels;
    private final MetalPipeline plain;
    private final MetalPipeline weighted;
    // By the number of branches, then of next inputs.
    private final MetalPipeline[][] additions = new MetalPipeline[2][MAX_NEXT_INPUTS + 1];

    MetalNorm(KernelLibrary kernels) {
        this.kernels = kernels;
        plain = kernels.pipeline("rms_norm", FunctionConstants.NONE.with(0, false));
        weighted = kernels.pipeline("rms_norm", FunctionConstants.NONE.with(0, true));
    }

    /** One norm with its weight: as wide as a row. */
    record Weighted(MetalRows rows, BufferSlice norm) {}

    /** {@code out = in / sqrt(mean(in^2) + epsilon) * norm} for each of {@code groups} parts of a row; {@code norm} null for no weight. */
    void rmsNorm(MetalStream stream, MetalRows in, BufferSlice norm, int groups, float epsilon, MetalRows out, int rows) {
        int width = in.width() / groups;
        MetalPipeline kernel = norm == null ? plain : weighted;
        stream.kernel(kernel).read(0, in.first(rows)).weight(1, norm == null ? in.bytes() : norm).write(2, out.first(rows))
                .put(in.stride()).put(out.stride()).put(width).put(epsilon).arguments(3).dispatch(Grid.of(groups, rows), threads(kernel, width));
    }

    /**
     * {@code residual = (residual + rms(in) * norm) * scale}, then {@code next.rows = rms(residual) * next.norm} for each of {@code next}.
     *
     * @param next at most {@value #MAX_NEXT_INPUTS}, of the same stride
     */
    void addRmsNorm(MetalStream stream, MetalRows in, BufferSlice norm, float epsilon, MetalRows residual, float scale, List<Weighted> next, int rows) {
        launch(stream, in, null, null, norm, epsilon, residual, scale, next, rows);
    }

    /**
     * As {@link #addRmsNorm} with {@code in = rms(first) * its norm + rms(second) * its norm}, which overwrites {@code first}: shared and routed
     * experts.
     */
    void addTwoBranches(MetalStream stream, Weighted first, Weighted second, BufferSlice norm, float epsilon, MetalRows residual, float scale,
            List<Weighted> next, int rows) {
        launch(stream, first.rows(), first.norm(), second, norm, epsilon, residual, scale, next, rows);
    }

    private void launch(MetalStream stream, MetalRows in, BufferSlice inNorm, Weighted second, BufferSlice norm, float epsilon, MetalRows residual,
            float scale, List<Weighted> next, int rows) {
        int nextStride = next.isEmpty() ? 0 : next.getFirst().rows().stride();
        if (next.size() > MAX_NEXT_INPUTS || next.stream().anyMatch(each -> each.rows().stride() != nextStride)) {
            throw new IllegalArgumentException("expected at most " + MAX_NEXT_INPUTS + " next inputs of the same stride, found " + next);
        }
        MetalPipeline kernel = addition(second != null, next.size());
        stream.kernel(kernel);
        if (second == null) {
            stream.read(0, in.first(rows)).weight(4, norm).weight(5, norm).weight(6, norm);
        } else {
            stream.write(0, in.first(rows)).weight(4, inNorm).read(5, second.rows().first(rows)).weight(6, second.norm());
        }
        stream.weight(1, norm).write(2, residual.first(rows));
        for (int i = 0; i < MAX_NEXT_INPUTS; i++) {
            if (i < next.size()) {
                stream.weight(7 + 2 * i, next.get(i).norm()).write(8 + 2 * i, next.get(i).rows().first(rows));
            } else {
                stream.weight(7 + 2 * i, norm).weight(8 + 2 * i, norm);
            }
        }
        stream.put(in.stride()).put(second == null ? 0 : second.rows().stride()).put(residual.stride()).put(nextStride).put(residual.width())
                .put(epsilon).put(scale).arguments(3).dispatch(Grid.of(1, rows), threads(kernel, residual.width()));
    }

    private MetalPipeline addition(boolean twoBranches, int nextInputs) {
        MetalPipeline[] known = additions[twoBranches ? 1 : 0];
        if (known[nextInputs] == null) {
            known[nextInputs] = kernels.pipeline("add_rms_norm", FunctionConstants.NONE.with(0, twoBranches).with(1, nextInputs));
        }
        return known[nextInputs];
    }

    // Whole simdgroups, about four elements a thread.
    private static int threads(MetalPipeline kernel, int width) {
        return Math.clamp(32 * Math.ceilDiv(width, 128), 32, kernel.maxThreads() / 32 * 32);
    }
}
