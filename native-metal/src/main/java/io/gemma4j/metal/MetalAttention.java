package io.gemma4j.metal;

import io.gemma4j.KvType;
import io.gemma4j.backend.KvLayerLayout;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Attention over cached keys and values, and what prepares it. Rows of a sequence are consecutive positions. Used by one thread at a time. Whoever
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
    /** For parts that wait to be combined, at first; grows while sequences of a step do not have room beside each other. */
    private static final long FIRST_PART_BYTES = 1 << 19;
    private static final long MAX_PART_BYTES = 8 << 20;
    /** Bytes of parts for one byte of sums, at the least: that of heads of 8 elements. */
    private static final int PARTS_PER_SUM = 4;
    /** How far before the first row of a tile what is read from a tail may begin: the next tile of positions is where it does. */
    private static final int TAIL_REACH = KvLayerLayout.TAIL_TOKENS + KvLayerLayout.TAIL_TILE - 1;

    private final MetalDevice device;
    private final KernelLibrary kernels;
    private final MetalPipeline combine;
    private final Map<KvType, TypeKernels> kernelsOfType = new EnumMap<>(KvType.class);
    private MetalHeadRotation headRotation;
    /** Parts, then their sums. */
    private MetalBuffer scratch;
    private long partBytes;

    /** Kernels for caches of one type; those of attention by the head's elements divided by 8. */
    private record TypeKernels(MetalPipeline kvUpdate, MetalPipeline inputs, MetalPipeline[] decode, MetalPipeline[] prefill) {}

    MetalAttention(MetalDevice device, KernelLibrary kernels) {
        this.device = device;
        this.kernels = kernels;
        combine = kernels.pipeline("attention_combine");
        allocateParts(FIRST_PART_BYTES);
    }

    private void allocateParts(long bytes) {
        scratch = MetalBuffer.allocate(device, "parts of attention", bytes + bytes / PARTS_PER_SUM);
        partBytes = bytes;
    }

    /** Stores keys and values of rows; {@code positions} is an {@code int} for each. */
    void kvUpdate(MetalStream stream, MetalRows keys, MetalRows values, BufferSlice positions, MetalKvSlots cache, int rows) {
        stream.kernel(kernelsOf(cache).kvUpdate).read(0, keys.first(rows)).read(1, values.first(rows)).read(2, positions)
                .write(3, cache.keys()).write(4, cache.values()).put(keys.stride()).put(values.stride());
        if (!cache.type().compressed()) {
            int width = cache.kvHeads() * cache.headDim();
            stream.put(width).put(cache.slots()).arguments(5).dispatch(Grid.of(Math.ceilDiv(width, THREADS), rows), THREADS);
            return;
        }
        if (cache.rotated()) {
            stream.write(6, cache.tail().keys()).write(7, cache.tail().values());
        }
        stream.put(cache.kvHeads()).put(cache.headDim()).put(cache.slots()).put(tailSlots(cache)).put(MetalHeadRotation.factor(cache.headDim()))
                .arguments(5).dispatch(Grid.of(2 * cache.kvHeads(), rows), headThreads(cache.headDim()));
    }

    private static int tailSlots(MetalKvSlots cache) {
        return cache.rotated() ? cache.tail().slots() : 0;
    }

    /** Threads of whole simdgroups for a head. */
    static int headThreads(int headDim) {
        return Math.clamp(32 * (headDim / 64), 32, 256);
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
        stream.kernel(kernelsOf(cache).inputs).write(0, queries.first(rows)).weight(3, inputs.queryNorm())
                .weight(5, inputs.turns()).read(6, positions);
        if (owns) {
            stream.read(1, keys.first(rows)).read(2, values.first(rows)).weight(4, inputs.keyNorm()).write(7, cache.keys()).write(8, cache.values());
        } else {
            stream.weight(1, queries.bytes()).weight(2, queries.bytes()).weight(4, inputs.queryNorm()).weight(7, cache.keys()).weight(8, cache.values());
        }
        if (cache.rotated()) {
            MetalKvSlots.Tail tail = cache.tail();
            stream = owns ? stream.write(10, tail.keys()).write(11, tail.values()) : stream.weight(10, tail.keys()).weight(11, tail.values());
        }
        stream.put(queries.stride()).put(owns ? keys.stride() : 0).put(owns ? values.stride() : 0).put(heads).put(cache.kvHeads()).put(cache.headDim())
                .put(cache.slots()).put(inputs.epsilon()).put(tailSlots(cache)).put(MetalHeadRotation.factor(cache.headDim())).arguments(9)
                .dispatch(Grid.of(heads + (owns ? 2 * cache.kvHeads() : 0), rows), headThreads(cache.headDim()));
    }

    /**
     * Where rows stand in their sequence.
     *
     * @param rows how many
     * @param firstPosition of the first row
     * @param newestPosition the last one whose keys are stored
     * @param tailFrom the first one that tails have not lost
     */
    record Span(int rows, int firstPosition, int newestPosition, int tailFrom) {}

    /**
     * Rows of one sequence.
     *
     * @param firstRow of the step
     * @param span where the rows stand
     * @param cache the sequence's
     */
    record Sequence(int firstRow, Span span, MetalKvSlots cache) {}

    /** An attention whose keys were split, and where its parts are. */
    private record Split(Sequence sequence, int heads, int splits, BufferSlice parts, BufferSlice sums, MetalRows out) {}

    /**
     * {@code softmax(q k^T) v} over the last {@code window} positions of each row, its own included. Sequences run side by side.
     *
     * @param queries of all rows of the step
     * @param out of all rows of the step
     * @throws IllegalArgumentException if a cache with a tail is a ring that has been filled: whole blocks of it are no blocks of positions
     */
    void attention(MetalStream stream, MetalRows queries, List<Sequence> sequences, int heads, int window, MetalRows out) {
        rotateQueries(stream, queries, sequences, heads, out);
        List<Split> waiting = new ArrayList<>();
        long used = 0;
        for (Sequence sequence : sequences) {
            Span span = sequence.span;
            MetalKvSlots cache = sequence.cache;
            int entries = span.rows * (heads / cache.kvHeads());
            boolean prefill = entries > DECODE_ENTRIES && cache.type() != KvType.F32;
            int tiles = Math.ceilDiv(entries, prefill ? PREFILL_ENTRIES : DECODE_ENTRIES);
            int splits = splits(tiles * cache.kvHeads(), Math.min(span.newestPosition + 1L, Math.min(window + (long) span.rows, cache.slots())));
            long bytes = splits == 1 ? 0 : (long) splits * span.rows * heads * cache.headDim() * Float.BYTES;
            if (used + bytes > partBytes) {
                waiting.forEach(split -> combine(stream, split));
                waiting.clear();
                used = 0;
                growParts(bytes);
            }
            BufferSlice sums = scratch.slice(partBytes + used / PARTS_PER_SUM, bytes / cache.headDim() * 2);
            Split split = new Split(sequence, heads, splits, scratch.slice(used, bytes), sums, out.from(sequence.firstRow));
            attend(stream, kernel(cache, prefill), tiles, (cache.rotated() ? out : queries).from(sequence.firstRow), window, split);
            if (splits > 1) {
                waiting.add(split);
                used += bytes;
            }
        }
        waiting.forEach(split -> combine(stream, split));
        for (Sequence sequence : sequences) {
            if (sequence.cache.rotated()) {
                headRotation.restore(stream, out.from(sequence.firstRow), heads, sequence.cache.headDim(), sequence.span.rows);
            }
        }
    }

    /** Rotates queries as their keys are: then they are where the results are going to be. */
    private void rotateQueries(MetalStream stream, MetalRows queries, List<Sequence> sequences, int heads, MetalRows out) {
        for (Sequence sequence : sequences) {
            Span span = sequence.span;
            MetalKvSlots cache = sequence.cache;
            if (cache.rotated()) {
                if (span.newestPosition >= cache.slots()) {
                    throw new IllegalArgumentException("position " + span.newestPosition + " in a cache of type " + cache.type() + " with " + cache.slots()
                            + " slots, which cannot be a ring");
                }
                if (headRotation == null) {
                    headRotation = new MetalHeadRotation(kernels);
                }
                headRotation.rotate(stream, queries.from(sequence.firstRow), heads, cache.headDim(), out.from(sequence.firstRow), span.rows);
            }
        }
    }

    private void growParts(long neededBytes) {
        long bytes = Math.max(neededBytes, Math.min(2 * partBytes, MAX_PART_BYTES));
        if (bytes > partBytes) {
            // A command buffer keeps the memory that it uses.
            close();
            allocateParts(bytes);
        }
    }

    private void attend(MetalStream stream, MetalPipeline kernel, int tiles, MetalRows queries, int window, Split split) {
        Span span = split.sequence.span;
        MetalKvSlots cache = split.sequence.cache;
        stream.kernel(kernel).read(1, cache.keys()).read(2, cache.values());
        if (cache.rotated()) {
            stream.read(7, cache.tail().keys()).read(8, cache.tail().values());
        }
        if (split.splits == 1) {
            // Rotated queries are in the memory of the results.
            stream = cache.rotated() ? stream.weight(0, queries.bytes()) : stream.read(0, queries.first(span.rows));
            stream.write(3, split.out.first(span.rows)).weight(4, scratch.slice()).weight(5, scratch.slice());
        } else {
            stream.read(0, queries.first(span.rows)).weight(3, split.out.bytes()).write(4, split.parts).write(5, split.sums);
        }
        stream.put(queries.stride()).put(split.out.stride()).put(split.heads).put(cache.kvHeads()).put(span.rows).put(span.firstPosition)
                .put(span.newestPosition).put(cache.slots()).put(window).put(split.splits).put(tailSlots(cache)).put(span.tailFrom).put(TAIL_REACH)
                .put(KvLayerLayout.TAIL_TILE).arguments(6)
                .dispatch(Grid.of(tiles, cache.kvHeads(), split.splits), THREADS);
    }

    private TypeKernels kernelsOf(MetalKvSlots cache) {
        return kernelsOfType.computeIfAbsent(cache.type(), type -> new TypeKernels(kernels.pipeline("kv_update" + cache.suffix()),
                kernels.pipeline("attention_input" + cache.suffix()), new MetalPipeline[MetalKvSlots.MAX_HEAD_DIM / 8 + 1],
                new MetalPipeline[MetalKvSlots.MAX_HEAD_DIM / 8 + 1]));
    }

    private MetalPipeline kernel(MetalKvSlots cache, boolean prefill) {
        MetalPipeline[] known = prefill ? kernelsOf(cache).prefill : kernelsOf(cache).decode;
        int place = cache.headDim() / 8;
        if (known[place] == null) {
            String name = (prefill ? "attention_prefill" : "attention_decode") + cache.suffix() + (cache.headDim() <= 256 ? "_256" : "_512");
            known[place] = kernels.pipeline(name, FunctionConstants.NONE.with(0, cache.headDim()));
        }
        return known[place];
    }

    private void combine(MetalStream stream, Split split) {
        Span span = split.sequence.span;
        MetalKvSlots cache = split.sequence.cache;
        stream.kernel(combine).read(0, split.parts).read(1, split.sums).write(2, split.out.first(span.rows)).put(split.out.stride()).put(split.heads)
                .put(cache.kvHeads()).put(span.rows).put(split.splits).put(cache.headDim()).arguments(3)
                .dispatch(Grid.of(split.heads, span.rows), Math.clamp(cache.headDim(), 32, THREADS));
    }

    private static int splits(int threadgroups, long visibleSlots) {
        long blocks = Math.ceilDiv(visibleSlots, (long) MetalKvSlots.BLOCK_SLOTS);
        return Math.clamp(Math.min(SPLIT_THREADGROUPS / threadgroups, blocks / MIN_BLOCKS_PER_SPLIT), 1, SPLIT_THREADGROUPS);
    }

    @Override
    public void close() {
        scratch.close();
    }
}
