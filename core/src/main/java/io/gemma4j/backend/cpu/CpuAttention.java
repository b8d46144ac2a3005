package io.gemma4j.backend.cpu;

import io.gemma4j.KvType;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.Step;
import io.gemma4j.backend.cpu.kernel.FloatKernels;
import io.gemma4j.backend.cpu.kernel.RowKernel;
import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/**
 * Attention over cached keys and values with a running softmax (Milakov and Gimelshein, 2018): keys are unpacked a tile at a time and used for a
 * block of rows; positions outside the window or after the row are never unpacked, unless another row of the block needs them.
 */
final class CpuAttention {
    private static final int BLOCK_ROWS = 2 * FloatKernels.TILE;
    private static final int TILE_KEYS = 64;
    /** Arrays a worker needs: unpacked keys or values, scores, and the running softmax of each row. */
    static final int SCRATCH_ARRAYS = 3;

    private final WorkerPool pool;
    private final FloatKernels floats;
    private final WorkerScratch scratch;
    private final RowKernel f32;
    private final RowKernel f16;
    private int[] lastBlocks = {};

    CpuAttention(WorkerPool pool, KernelSet kernels, WorkerScratch scratch) {
        this.pool = pool;
        this.floats = kernels.floats();
        this.scratch = scratch;
        this.f32 = kernels.rows(GgmlType.F32);
        this.f16 = kernels.rows(GgmlType.F16);
    }

    void attention(CpuActivations queries, Step step, int owner, int heads, int window, CpuActivations out) {
        List<Step.Span> spans = step.spans();
        int blocks = 0;
        if (lastBlocks.length < spans.size()) {
            lastBlocks = new int[spans.size()];
        }
        for (int i = 0; i < spans.size(); i++) {
            blocks += Math.ceilDiv(spans.get(i).rows(), BLOCK_ROWS);
            lastBlocks[i] = blocks;
        }
        pool.run(blocks * heads, (task, worker) -> {
            int block = task / heads;
            int index = 0;
            while (block >= lastBlocks[index]) {
                index++;
            }
            Step.Span span = spans.get(index);
            int first = (block - (index == 0 ? 0 : lastBlocks[index - 1])) * BLOCK_ROWS;
            int rows = Math.min(BLOCK_ROWS, span.rows() - first);
            CpuKvLayer kv = (CpuKvLayer) span.cache().layer(owner);
            new Block(kv, task % heads, heads, window, span.firstRow() + first, span.firstPosition() + first, rows, worker)
                    .attend(queries, out);
        });
    }

    /** One head of a few rows with consecutive positions. */
    private final class Block {
        private final CpuKvLayer kv;
        private final RowKernel kernel;
        private final int head;
        private final int kvHead;
        private final int headDim;
        private final int window;
        private final int firstRow;
        private final int firstPosition;
        private final int rows;
        private final float[] unpacked;
        private final float[] scores;
        // Of each row the maximum, then of each row the sum.
        private final float[] maxAndSum;

        Block(CpuKvLayer kv, int head, int heads, int window, int firstRow, int firstPosition, int rows, int worker) {
            KvLayerLayout layout = kv.layout();
            this.kv = kv;
            this.kernel = layout.type() == KvType.F32 ? f32 : f16;
            this.head = head;
            this.kvHead = head / (heads / layout.kvHeads());
            this.headDim = layout.headDim();
            this.window = window;
            this.firstRow = firstRow;
            this.firstPosition = firstPosition;
            this.rows = rows;
            unpacked = scratch.floats(worker, 0, TILE_KEYS * headDim);
            scores = scratch.floats(worker, 1, BLOCK_ROWS * TILE_KEYS);
            maxAndSum = scratch.floats(worker, 2, 2 * BLOCK_ROWS);
            Arrays.fill(maxAndSum, 0, BLOCK_ROWS, Float.NEGATIVE_INFINITY);
            Arrays.fill(maxAndSum, BLOCK_ROWS, 2 * BLOCK_ROWS, 0);
        }

        void attend(CpuActivations queries, CpuActivations out) {
            for (int row = 0; row < rows; row++) {
                int at = out.row(firstRow + row) + head * headDim;
                Arrays.fill(out.data(), at, at + headDim, 0);
            }
            int position = Math.max(0, firstPosition - window + 1);
            int end = firstPosition + rows;
            while (position < end) {
                int slot = kv.slot(position);
                int keys = Math.min(Math.min(TILE_KEYS, end - position), kv.contiguousSlots(slot));
                attendTile(queries, out, position, slot, keys);
                position += keys;
            }
            for (int row = 0; row < rows; row++) {
                floats.scale(1 / maxAndSum[BLOCK_ROWS + row], out.data(), out.row(firstRow + row) + head * headDim, headDim);
            }
        }

        private void attendTile(CpuActivations queries, CpuActivations out, int position, int slot, int keys) {
            unpack(kv.keys(slot), slot, keys);
            for (int row = 0; row < rows; row += FloatKernels.TILE) {
                for (int key = 0; key < keys; key += FloatKernels.TILE) {
                    floats.matmulTile(queries.data(), queries.row(firstRow + row) + head * headDim, queries.stride(),
                            Math.min(FloatKernels.TILE, rows - row), unpacked, key * headDim, headDim, Math.min(FloatKernels.TILE, keys - key),
                            headDim, scores, row * TILE_KEYS + key, TILE_KEYS);
                }
            }
            unpack(kv.values(slot), slot, keys);
            for (int row = 0; row < rows; row++) {
                int from = Math.max(0, firstPosition + row - window + 1 - position);
                int to = Math.min(keys, firstPosition + row + 1 - position);
                if (from < to) {
                    addRow(out, row, from, to);
                }
            }
        }

        private void addRow(CpuActivations out, int row, int from, int to) {
            int at = out.row(firstRow + row) + head * headDim;
            int score = row * TILE_KEYS;
            float newMax = Math.max(maxAndSum[row], floats.max(scores, score + from, to - from));
            if (newMax > maxAndSum[row]) {
                float correction = (float) Math.exp(maxAndSum[row] - newMax);
                maxAndSum[BLOCK_ROWS + row] *= correction;
                floats.scale(correction, out.data(), at, headDim);
                maxAndSum[row] = newMax;
            }
            maxAndSum[BLOCK_ROWS + row] += floats.expSum(scores, score + from, newMax, to - from);
            for (int key = from; key < to; key++) {
                floats.addScaled(scores[score + key], unpacked, key * headDim, out.data(), at, headDim);
            }
        }

        private void unpack(MemorySegment page, int slot, int keys) {
            kernel.dequantize(page, kv.offset(kvHead, slot), unpacked, 0, keys * headDim);
        }
    }
}
