package io.gemma4j.backend.cpu;

import io.gemma4j.KvType;
import io.gemma4j.backend.cpu.kernel.FloatKernels;
import io.gemma4j.backend.cpu.kernel.RowKernel;
import io.gemma4j.gguf.GgmlType;
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
    private final RowKernel f32;
    private final RowKernel f16;
    private final float[] lanes = new float[FloatKernels.SCRATCH];
    private float[] unpacked = {};
    private float[] scores = {};

    private CpuKvLayer kv;
    private RowKernel kernel;
    private int kvHead;
    private int headDim;
    private int group;
    private int window;
    private CpuActivations queries;
    private int firstRow;
    private int firstPosition;
    private int rows;
    private SoftmaxSums sums;
    private int firstEntry;

    AttentionTask(KernelSet kernels) {
        floats = kernels.floats();
        f32 = kernels.rows(GgmlType.F32);
        f16 = kernels.rows(GgmlType.F16);
    }

    /** Names the keys: head {@code kvHead} of {@code layer}, shared by {@code groupHeads} query heads that see {@code windowTokens} positions. */
    void keys(CpuKvLayer layer, int head, int groupHeads, int windowTokens) {
        kv = layer;
        kernel = layer.layout().type() == KvType.F32 ? f32 : f16;
        kvHead = head;
        headDim = layer.layout().headDim();
        group = groupHeads;
        window = windowTokens;
        unpacked = grown(unpacked, UNPACKED_KEYS * headDim);
    }

    /** Names the queries: {@code count} rows of {@code activations} from {@code row} on, the first of them at {@code position}. */
    void queries(CpuActivations activations, int row, int position, int count) {
        queries = activations;
        firstRow = row;
        firstPosition = position;
        rows = count;
        scores = grown(scores, count * group * TILE_KEYS);
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
        for (int key = 0; key < keys; key += unpackedKeys(position, key, keys)) {
            int slot = kv.slot(position + key);
            int count = unpackedKeys(position, key, keys);
            kernel.dequantize(kv.keys(slot), kv.offset(kvHead, slot), unpacked, 0, count * headDim);
            score(key, count);
        }
        for (int row = 0; row < rows; row++) {
            int from = Math.clamp((long) firstPosition + row - window + 1 - position, 0, keys);
            int to = Math.clamp((long) firstPosition + row + 1 - position, from, keys);
            for (int head = 0; head < group; head++) {
                weigh(row * group + head, from, to, keys);
            }
        }
        for (int key = 0; key < keys; key += unpackedKeys(position, key, keys)) {
            int slot = kv.slot(position + key);
            int count = unpackedKeys(position, key, keys);
            kernel.dequantize(kv.values(slot), kv.offset(kvHead, slot), unpacked, 0, count * headDim);
            addValues(key, count);
        }
    }

    private int unpackedKeys(int position, int key, int keys) {
        return Math.min(Math.min(UNPACKED_KEYS, keys - key), kv.contiguousSlots(kv.slot(position + key)));
    }

    private void score(int key, int count) {
        int heads = kvHead * group * headDim;
        for (int n = 0; n < count; n += FloatKernels.TILE) {
            int tileKeys = Math.min(FloatKernels.TILE, count - n);
            if (group == 1) {
                score(queries.row(firstRow) + heads, queries.stride(), rows, n, tileKeys, key + n);
            } else {
                for (int row = 0; row < rows; row++) {
                    score(queries.row(firstRow + row) + heads, headDim, group, n, tileKeys, row * group * TILE_KEYS + key + n);
                }
            }
        }
    }

    private void score(int at, int stride, int count, int unpackedKey, int tileKeys, int score) {
        for (int i = 0; i < count; i += FloatKernels.TILE) {
            floats.matmulTile(queries.data(), at + i * stride, stride, Math.min(FloatKernels.TILE, count - i), unpacked, unpackedKey * headDim,
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
