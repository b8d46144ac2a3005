package io.gemma4j.metal;

/** Operations on each element by itself, and the token embedding. Used by one thread at a time. */
final class MetalElementwise {
    private static final int THREADS = 256;
    /** Columns of an embedding that a thread makes. */
    private static final int EMBED_COLUMNS = 16;

    private final KernelLibrary kernels;
    private final MetalPipeline geglu;
    private final MetalPipeline add;
    private final MetalPipeline scale;
    private final MetalPipeline softcap;
    private final MetalPipeline copy;
    private final MetalPipeline gatherLogitRows;

    MetalElementwise(KernelLibrary kernels) {
        this.kernels = kernels;
        geglu = kernels.pipeline("geglu");
        add = kernels.pipeline("add");
        scale = kernels.pipeline("scale");
        softcap = kernels.pipeline("softcap");
        copy = kernels.pipeline("copy");
        gatherLogitRows = kernels.pipeline("gather_logit_rows");
    }

    /** {@code out[r][c] = scale * table[tokens[r]][firstColumn + c]}; columns in multiples of 16. */
    void embed(MetalStream stream, MetalMatrix table, BufferSlice tokens, int firstColumn, float factor, MetalRows out, int rows) {
        if (firstColumn % EMBED_COLUMNS != 0 || out.width() % EMBED_COLUMNS != 0 || firstColumn + out.width() > table.columns()) {
            throw new IllegalArgumentException("tensor '" + table.name() + "': expected columns in multiples of " + EMBED_COLUMNS + " below "
                    + table.columns() + ", found " + out.width() + " from " + firstColumn);
        }
        int threads = Math.min(THREADS, Math.ceilDiv(out.width(), EMBED_COLUMNS));
        stream.kernel(kernels.pipeline(table.kernel("embed"))).weight(0, table.bytes()).read(1, tokens).write(2, out.first(rows)).put(table.columns())
                .put(firstColumn).put(out.width()).put(out.stride()).put(factor).arguments(3)
                .dispatch(Grid.of(Math.ceilDiv(out.width(), threads * EMBED_COLUMNS), rows), threads);
    }

    /** {@code out = geluTanh(gate) * up}, also in place. */
    void geglu(MetalStream stream, MetalRows gate, MetalRows up, MetalRows out, int rows) {
        stream.kernel(geglu).read(0, gate.first(rows)).read(1, up.first(rows)).write(2, out.first(rows)).put(gate.stride()).put(up.stride())
                .put(out.stride()).put(gate.width()).arguments(3);
        dispatch(stream, gate.width(), rows);
    }

    /** {@code x = (x + y) * scale}. */
    void add(MetalStream stream, MetalRows x, MetalRows y, float factor, int rows) {
        stream.kernel(add).write(0, x.first(rows)).read(1, y.first(rows)).put(x.stride()).put(y.stride()).put(x.width()).put(factor).arguments(2);
        dispatch(stream, x.width(), rows);
    }

    /** {@code x *= scale}. */
    void scale(MetalStream stream, MetalRows x, float factor, int rows) {
        stream.kernel(scale).write(0, x.first(rows)).put(x.stride()).put(x.width()).put(factor).arguments(1);
        dispatch(stream, x.width(), rows);
    }

    /** {@code x = cap * tanh(x / cap)}. */
    void softcap(MetalStream stream, MetalRows x, float cap, int rows) {
        stream.kernel(softcap).write(0, x.first(rows)).put(x.stride()).put(x.width()).put(cap).arguments(1);
        dispatch(stream, x.width(), rows);
    }

    /** {@code out = in}. */
    void copy(MetalStream stream, MetalRows in, MetalRows out, int rows) {
        stream.kernel(copy).read(0, in.first(rows)).write(1, out.first(rows)).put(in.stride()).put(out.stride()).put(in.width()).arguments(2);
        dispatch(stream, in.width(), rows);
    }

    /** {@code out[i] = in[logitRows[i]]}, also in place; {@code logitRows} ascend. */
    void gatherLogitRows(MetalStream stream, MetalRows in, BufferSlice logitRows, MetalRows out, int rows) {
        stream.kernel(gatherLogitRows).read(0, in.bytes()).read(1, logitRows).write(2, out.first(rows)).put(in.stride()).put(out.stride()).put(in.width())
                .put(rows).arguments(3);
        dispatch(stream, in.width(), 1);
    }

    private static void dispatch(MetalStream stream, int width, int rows) {
        stream.dispatch(Grid.of(Math.ceilDiv(width, THREADS), rows), THREADS);
    }
}
