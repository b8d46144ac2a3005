package io.gemma4j.backend.cpu;

import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.Step;
import io.gemma4j.backend.cpu.kernel.FloatKernels;
import java.util.List;

/**
 * Attention over cached keys and values, split into tasks of a block of rows, a key/value head and a range of keys. Keys are split only where blocks
 * and heads alone would make few tasks. The split depends on the shape of the step, and what the ranges give is merged in their order: a result does
 * not depend on the number of workers or on which of them was faster.
 */
final class CpuAttention {
    private static final int BLOCK_ROWS = 2 * FloatKernels.TILE;
    /** Splitting the keys makes no more tasks than this. */
    private static final int SPLIT_TASKS = 32;

    private final WorkerPool pool;
    private final FloatKernels floats;
    private final AttentionTask[] tasks;
    private final SoftmaxSums[] wholeSums;
    private final SoftmaxSums rangeSums;
    // Made once: a loop's body made for each step would be garbage of each step.
    private final WorkerPool.Body attendBody = this::attend;
    private final WorkerPool.Body mergeBody = this::merge;

    private CpuActivations queries;
    private CpuActivations out;
    private List<Step.Span> spans;
    private int[] lastBlocks = {};
    private int owner;
    private int heads;
    private int kvHeads;
    private int headDim;
    private int window;
    private int ranges;
    private int rangeKeys;
    private int taskEntries;

    CpuAttention(WorkerPool pool, KernelSet kernels) {
        this.pool = pool;
        floats = kernels.floats();
        tasks = new AttentionTask[pool.workers()];
        wholeSums = new SoftmaxSums[pool.workers()];
        for (int worker = 0; worker < tasks.length; worker++) {
            tasks[worker] = new AttentionTask(kernels);
            wholeSums[worker] = new SoftmaxSums(floats);
        }
        rangeSums = new SoftmaxSums(floats);
    }

    /** See {@link io.gemma4j.backend.Operations#attention}. */
    void attention(CpuActivations stepQueries, Step step, int ownerLayer, int queryHeads, int windowTokens, CpuActivations result) {
        queries = stepQueries;
        out = result;
        spans = step.spans();
        owner = ownerLayer;
        heads = queryHeads;
        window = windowTokens;
        KvLayerLayout layout = layer(spans.getFirst()).layout();
        kvHeads = layout.kvHeads();
        headDim = layout.headDim();
        int blocks = split();
        if (ranges > 1) {
            rangeSums.reserve(SPLIT_TASKS * taskEntries, headDim);
        }
        pool.run(blocks * kvHeads * ranges, attendBody);
        if (ranges > 1) {
            pool.run(blocks * heads, mergeBody);
        }
    }

    // Returns the number of blocks of rows.
    private int split() {
        if (lastBlocks.length < spans.size()) {
            lastBlocks = new int[spans.size()];
        }
        int blocks = 0;
        int mostRows = 0;
        long mostKeys = 0;
        for (int i = 0; i < spans.size(); i++) {
            Step.Span span = spans.get(i);
            blocks += Math.ceilDiv(span.rows(), BLOCK_ROWS);
            lastBlocks[i] = blocks;
            mostRows = Math.max(mostRows, Math.min(BLOCK_ROWS, span.rows()));
            mostKeys = Math.max(mostKeys, Math.min((long) span.firstPosition() + span.rows(), (long) window + BLOCK_ROWS - 1));
        }
        taskEntries = mostRows * (heads / kvHeads);
        int mostRanges = Math.max(1, SPLIT_TASKS / (blocks * kvHeads));
        int rangeTiles = Math.ceilDiv(Math.ceilDiv((int) mostKeys, mostRanges), AttentionTask.TILE_KEYS);
        rangeKeys = rangeTiles * AttentionTask.TILE_KEYS;
        ranges = Math.ceilDiv((int) mostKeys, rangeKeys);
        return blocks;
    }

    private CpuKvLayer layer(Step.Span span) {
        return (CpuKvLayer) span.cache().layer(owner);
    }

    private int spanOf(int block) {
        int index = 0;
        while (block >= lastBlocks[index]) {
            index++;
        }
        return index;
    }

    // First row of a block, counted in its span.
    private int firstRow(int block, int spanIndex) {
        return (block - (spanIndex == 0 ? 0 : lastBlocks[spanIndex - 1])) * BLOCK_ROWS;
    }

    private void attend(int task, int worker) {
        int kvHead = task / ranges % kvHeads;
        int block = task / ranges / kvHeads;
        int index = spanOf(block);
        Step.Span span = spans.get(index);
        int first = firstRow(block, index);
        int rows = Math.min(BLOCK_ROWS, span.rows() - first);
        int position = span.firstPosition() + first;
        int from = Math.max(0, position - window + 1) + task % ranges * rangeKeys;
        int to = Math.min(position + rows, from + rangeKeys);

        int group = heads / kvHeads;
        AttentionTask mine = tasks[worker];
        mine.keys(layer(span), span.cache().tailFrom(position), kvHead, group, window);
        mine.queries(queries, span.firstRow() + first, position, rows);
        if (ranges > 1) {
            mine.attend(from, to, rangeSums, task * taskEntries);
            return;
        }
        SoftmaxSums sums = wholeSums[worker];
        sums.reserve(taskEntries, headDim);
        mine.attend(from, to, sums, 0);
        for (int entry = 0; entry < rows * group; entry++) {
            write(sums, entry, 0, 1, span, span.firstRow() + first + entry / group, kvHead * group + entry % group);
        }
    }

    // One query head of a block.
    private void merge(int task, int worker) {
        int head = task % heads;
        int block = task / heads;
        int index = spanOf(block);
        Step.Span span = spans.get(index);
        int first = firstRow(block, index);
        int group = heads / kvHeads;
        int entry = (block * kvHeads + head / group) * ranges * taskEntries + head % group;
        for (int row = first; row < Math.min(first + BLOCK_ROWS, span.rows()); row++) {
            write(rangeSums, entry + (row - first) * group, taskEntries, ranges, span, span.firstRow() + row, head);
        }
    }

    private void write(SoftmaxSums sums, int entry, int step, int parts, Step.Span span, int row, int head) {
        int at = out.row(row) + head * headDim;
        sums.write(entry, step, parts, out.data(), at);
        if (layer(span).tail() != null) {
            floats.restoreHead(out.data(), at, headDim);
        }
    }
}
