package io.gemma4j.backend.cpu;

import io.gemma4j.KvType;
import io.gemma4j.backend.cpu.kernel.FloatKernels;
import io.gemma4j.backend.cpu.kernel.HeadKernel;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Attention of a few rows with consecutive positions to a range of keys of one key/value head, for all query heads that share it, with a running
 * softmax (Milakov and Gimelshein, 2018). Keys and values are unpacked once for all of them, few enough at a time to stay in the first-level cache.
 * Each worker has one and uses it for task after task.
 */
final class AttentionTask {
    /** Keys whose scores are held at a time. */
    static final int TILE_KEYS = 128;

    private static final int UNPACKED_KEYS = 16;

    private final FloatKernels floats;
    private final KernelSet kernels;
    private final HeadKernel tailHeads;
    private final float[] lanes = new float[FloatKernels.SCRATCH];
    private float[] unpacked = {};
    private float[] rotated = {};
    private float[] scores = {};

    private CpuKvLayer kv;
    private HeadKernel firstHeads;
    private int tailFrom;
    private int kvHead;
    private int headDim;
    private int group;
    private int window;
    private float[] queries;
    private int firstQuery;
    private int queryStride;
    private int firstPosition;
    private int rows;
    private SoftmaxSums sums;
    private int firstEntry;

    AttentionTask(KernelSet kernels) {
        this.kernels = kernels;
        floats = kernels.floats();
        tailHeads = kernels.heads(KvType.F16);
    }

    /**
     * Names the keys: head {@code head} of {@code layer}, shared by {@code groupHeads} query heads that see {@code windowTokens} positions; those from
     * {@code firstOfTail} on are read from the tail, if the layer has one.
     */
    void keys(CpuKvLayer layer, int firstOfTail, int head, int groupHeads, int windowTokens) {
        kv = layer;
        firstHeads = kernels.heads(layer.layout().type());
        tailFrom = layer.tail() == null ? Integer.MAX_VALUE : firstOfTail;
        kvHead = head;
        headDim = layer.layout().headDim();
        group = groupHeads;
        window = windowTokens;
        unpacked = grown(unpacked, UNPACKED_KEYS * headDim);
    }

    /** Names the queries, after the keys: {@code count} rows of {@code activations} from {@code row} on, the first of them at {@code position}. */
    void queries(CpuActivations activations, int row, int position, int count) {
        queries = activations.data();
        firstQuery = activations.row(row) + kvHead * group * headDim;
        queryStride = activations.stride();
        firstPosition = position;
        rows = count;
        scores = grown(scores, count * group * TILE_KEYS);
        if (kv.tail() != null) {
            rotateQueries();
        }
    }

    private void rotateQueries() {
        int width = group * headDim;
        rotated = grown(rotated, rows * width);
        for (int row = 0; row < rows; row++) {
            System.arraycopy(queries, firstQuery + row * queryStride, rotated, row * width, width);
        }
        for (int head = 0; head < rows * group; head++) {
            floats.rotateHead(rotated, head * headDim, headDim);
        }
        queries = rotated;
        firstQuery = 0;
        queryStride = width;
    }

    private static float[] grown(float[] array, int length) {
        return array.length < length ? new float[length] : array;
    }

    /**
     * Sums over the positions {@code from .. to - 1}, as far as each row sees them.
     *
     * @param into holds the result in entry {@code first + row * groupHeads + head}
     */
    void attend(int from, int to, SoftmaxSums into, int first) {
        sums = into;
        firstEntry = first;
        into.clear(first, rows * group);
        for (int position = from; position < to; position += TILE_KEYS) {
            attendTile(position, Math.min(TILE_KEYS, to - position));
        }
    }

    private void attendTile(int position, int keys) {
        int count;
        for (int key = 0; key < keys; key += count) {
            count = unpack(position + key, keys - key, false);
            score(key, count);
        }
        for (int row = 0; row < rows; row++) {
            int from = Math.clamp((long) firstPosition + row - window + 1 - position, 0, keys);
            int to = Math.clamp((long) firstPosition + row + 1 - position, from, keys);
            for (int head = 0; head < group; head++) {
                weigh(row * group + head, from, to, keys);
            }
        }
        for (int key = 0; key < keys; key += count) {
            count = unpack(position + key, keys - key, true);
            addValues(key, count);
        }
    }

    // Keys, or values, from a position on, as many as lie together, fit and are wanted.
    private int unpack(int position, int most, boolean values) {
        boolean fromTail = position >= tailFrom;
        KvPages pages = fromTail ? kv.tail() : kv.first();
        int slot = pages.slot(position);
        int count = Math.min(Math.min(UNPACKED_KEYS, most), pages.contiguousSlots(slot));
        if (!fromTail) {
            count = Math.min(count, tailFrom - position);
        }
        MemorySegment page = values ? pages.values(slot) : pages.keys(slot);
        (fromTail ? tailHeads : firstHeads).load(page, pages.offset(kvHead, slot), count, headDim, unpacked, 0);
        return count;
    }

    private void score(int key, int count) {
        for (int n = 0; n < count; n += FloatKernels.TILE) {
            int tileKeys = Math.min(FloatKernels.TILE, count - n);
            if (group == 1) {
                score(firstQuery, queryStride, rows, n, tileKeys, key + n);
            } else {
                for (int row = 0; row < rows; row++) {
                    score(firstQuery + row * queryStride, headDim, group, n, tileKeys, row * group * TILE_KEYS + key + n);
                }
            }
        }
    }

    private void score(int at, int stride, int count, int unpackedKey, int tileKeys, int score) {
        for (int i = 0; i < count; i += FloatKernels.TILE) {
            floats.matmulTile(queries, at + i * stride, stride, Math.min(FloatKernels.TILE, count - i), unpacked, unpackedKey * headDim,
                    headDim, tileKeys, headDim, scores, score + i * TILE_KEYS, TILE_KEYS, lanes);
        }
    }

    // Scores of keys that the query sees become weights, those of others zero.
    private void weigh(int query, int from, int to, int keys) {
        int score = query * TILE_KEYS;
        if (from < to) {
            int entry = firstEntry + query;
            float max = floats.max(scores, score + from, to - from);
            if (max > sums.max[entry]) {
                sums.raise(entry, max);
            }
            sums.sum[entry] += floats.expSum(scores, score + from, sums.max[entry], to - from);
        }
        Arrays.fill(scores, score, score + from, 0);
        Arrays.fill(scores, score + to, score + keys, 0);
    }

    private void addValues(int key, int count) {
        floats.addProducts(scores, key, TILE_KEYS, rows * group, unpacked, 0, headDim, count, sums.values, firstEntry * headDim, headDim, headDim);
    }
}
