package io.gemma4j.metal;

import io.gemma4j.KvType;

/**
 * Attention over cached keys and values, and what prepares it. Rows are consecutive positions of one sequence. Used by one thread at a time. Whoever
 * created it closes it.
 */
final class MetalAttention implements AutoCloseable {
    private static final int THREADS = 128;
    private static final int DECODE_ENTRIES = 8;
    private static final int PREFILL_ENTRIES = 16;
    /** Threadgroups that keep a large GPU busy: the keys are split until there are as many. */
    private static final int SPLIT_THREADGROUPS = 64;
    /** Blocks of slots worth a threadgroup of their own. */
    private static final int MIN_BLOCKS_PER_SPLIT = 4;
    /** Entries of all parts together, at most: what is split has few. */
    private static final int MAX_PART_ENTRIES = SPLIT_THREADGROUPS * DECODE_ENTRIES;

    private final KernelLibrary kernels;
    private final MetalPipeline combine;
    private final MetalBuffer parts;
    private final MetalBuffer partSums;

    MetalAttention(MetalDevice device, KernelLibrary kernels) {
        this.kernels = kernels;
        combine = kernels.pipeline("attention_combine");
        parts = MetalBuffer.allocate(device, "parts of attention", (long) MAX_PART_ENTRIES * MetalKvSlots.MAX_HEAD_DIM * Float.BYTES);
        partSums = MetalBuffer.allocate(device, "sums of attention", (long) MAX_PART_ENTRIES * 2 * Float.BYTES);
    }

    /** Stores keys and values of rows; {@code positions} is an {@code int} for each. */
    void kvUpdate(MetalStream stream, MetalRows keys, MetalRows values, BufferSlice positions, MetalKvSlots cache, int rows) {
        int width = cache.kvHeads() * cache.headDim();
        stream.kernel(kernels.pipeline("kv_update" + cache.suffix())).read(0, keys.first(rows)).read(1, values.first(rows)).read(2, positions)
                .write(3, cache.keys()).write(4, cache.values()).put(keys.stride()).put(values.stride()).put(width).put(cache.slots()).arguments(5)
                .dispatch(Grid.of(Math.ceilDiv(width, THREADS), rows), THREADS);
    }

    /**
     * Norms and rotation of the projections of a block.
     *
     * @param queryNorm as wide as a head
     * @param keyNorm as wide as a head, null where another layer owns the cache
     * @param turns of {@link MetalRope#turns}
     * @param epsilon of the norms
     */
    record Inputs(BufferSlice queryNorm, BufferSlice keyNorm, BufferSlice turns, float epsilon) {}

    /**
     * Norms and turns the queries in place, and keys into the cache; norms values into the cache: what {@code rmsNorm}, {@code ropeHalfSplit} and
     * {@code kvUpdate} do in five passes.
     *
     * @param keys raw projection, null where another layer owns the cache
     * @param values raw projection, which may be the one of the keys; null where another layer owns the cache
     */
    void inputs(MetalStream stream, Inputs inputs, MetalRows queries, MetalRows keys, MetalRows values, BufferSlice positions, int heads,
            MetalKvSlots cache, int rows) {
        boolean owns = keys != null;
        stream.kernel(kernels.pipeline("attention_input" + cache.suffix())).write(0, queries.first(rows)).weight(3, inputs.queryNorm())
                .weight(5, inputs.turns()).read(6, positions);
        if (owns) {
            stream.read(1, keys.first(rows)).read(2, values.first(rows)).weight(4, inputs.keyNorm()).write(7, cache.keys()).write(8, cache.values());
        } else {
            stream.weight(1, queries.bytes()).weight(2, queries.bytes()).weight(4, inputs.queryNorm()).weight(7, cache.keys()).weight(8, cache.values());
        }
        stream.put(queries.stride()).put(owns ? keys.stride() : 0).put(owns ? values.stride() : 0).put(heads).put(cache.kvHeads()).put(cache.headDim())
                .put(cache.slots()).put(inputs.epsilon()).arguments(9)
                .dispatch(Grid.of(heads + (owns ? 2 * cache.kvHeads() : 0), rows), Math.clamp(32 * (cache.headDim() / 64), 32, 256));
    }

    /**
     * Where rows stand in their sequence.
     *
     * @param rows how many
     * @param firstPosition of the first row
     * @param newestPosition the last one whose keys are stored
     */
    record Span(int rows, int firstPosition, int newestPosition) {}

    /** {@code softmax(q k^T) v} over the last {@code window} positions of each row, its own included. */
    void attention(MetalStream stream, MetalRows queries, Span span, MetalKvSlots cache, int heads, int window, MetalRows out) {
        int headsPerKv = heads / cache.kvHeads();
        int entries = span.rows() * headsPerKv;
        boolean prefill = entries > DECODE_ENTRIES && cache.type() == KvType.F16;
        int tiles = Math.ceilDiv(entries, prefill ? PREFILL_ENTRIES : DECODE_ENTRIES);
        int splits = prefill ? 1 : splits(tiles * cache.kvHeads(), Math.min(span.newestPosition() + 1L, Math.min(window + (long) span.rows(), cache.slots())));
        String kernel = (prefill ? "attention_prefill" : "attention_decode") + cache.suffix() + (cache.headDim() <= 256 ? "_256" : "_512");
        stream.kernel(kernels.pipeline(kernel, FunctionConstants.NONE.with(0, cache.headDim()))).read(0, queries.first(span.rows()))
                .read(1, cache.keys()).read(2, cache.values());
        if (splits == 1) {
            stream.write(3, out.first(span.rows())).weight(4, parts.slice()).weight(5, partSums.slice());
        } else {
            stream.weight(3, out.bytes()).write(4, parts.slice()).write(5, partSums.slice());
        }
        stream.put(queries.stride()).put(out.stride()).put(heads).put(cache.kvHeads()).put(span.rows()).put(span.firstPosition())
                .put(span.newestPosition()).put(cache.slots()).put(window).put(splits).arguments(6)
                .dispatch(Grid.of(tiles, cache.kvHeads(), splits), THREADS);
        if (splits > 1) {
            stream.kernel(combine).read(0, parts.slice()).read(1, partSums.slice()).write(2, out.first(span.rows())).put(out.stride()).put(heads)
                    .put(cache.kvHeads()).put(span.rows()).put(splits).put(cache.headDim()).arguments(3)
                    .dispatch(Grid.of(heads, span.rows()), Math.clamp(cache.headDim(), 32, THREADS));
        }
    }

    private static int splits(int threadgroups, long visibleSlots) {
        long blocks = Math.ceilDiv(visibleSlots, (long) MetalKvSlots.BLOCK_SLOTS);
        return Math.clamp(Math.min(SPLIT_THREADGROUPS / threadgroups, blocks / MIN_BLOCKS_PER_SPLIT), 1, SPLIT_THREADGROUPS);
    }

    @Override
    public void close() {
        parts.close();
        partSums.close();
    }
}
