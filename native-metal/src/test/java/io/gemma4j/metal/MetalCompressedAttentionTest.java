package io.gemma4j.metal;

import static io.gemma4j.metal.Closeness.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gemma4j.KvType;
import io.gemma4j.backend.HeadRotation;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.metal.KernelBench.Run;
import io.gemma4j.metal.fake.MetalDriver;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Attention over compressed caches, against a softmax in double precision over what the scalar code reads from the store that is to be read. */
@ExtendWith(MetalDriver.class)
class MetalCompressedAttentionTest {
    /** With 32-bit queries; those of many rows are rounded to 11 bits. */
    private static final double TOLERANCE = 2e-5;
    private static final double PREFILL_TOLERANCE = 3e-3;

    /** Heads, and how much of them is where; what tails have lost. */
    record Shape(KvType type, int heads, int kvHeads, int headDim, int slots, int rows, int firstPosition, int window, int tailFrom) {

        Shape(KvType type, int heads, int kvHeads, int headDim, int rows, int firstPosition) {
            this(type, heads, kvHeads, headDim, firstPosition + rows, rows, firstPosition, 100_000, 0);
        }

        int newest() {
            return firstPosition + rows - 1;
        }

        int width() {
            return heads * headDim;
        }

        /** Slots of a tail that has room for what a step of these rows may read. */
        int tailSlots() {
            return Math.ceilDiv(KvLayerLayout.TAIL_TOKENS + KvLayerLayout.TAIL_TILE - 1 + rows, KvLayerLayout.TAIL_TILE) * KvLayerLayout.TAIL_TILE;
        }

        boolean rounded() {
            return rows * heads / kvHeads > 8;
        }

        /** The first position that the tile of a row reads from the tail. */
        int tailFrom(int row, int head) {
            int group = heads / kvHeads;
            int tile = rounded() ? 16 : 8;
            int firstOfTile = firstPosition + (row * group + head % group) / tile * tile / group;
            int from = Math.max(tailFrom, firstOfTile - (KvLayerLayout.TAIL_TOKENS + KvLayerLayout.TAIL_TILE - 1));
            return type == KvType.TQ4 ? Math.ceilDiv(from, KvLayerLayout.TAIL_TILE) * KvLayerLayout.TAIL_TILE : Integer.MAX_VALUE;
        }
    }

    /** Turned keys and values of all positions as they are read from the codes, and from the tail, and the cache that holds them. */
    private static final class Past {
        final MetalKvSlots cache;
        final float[][] codedKeys;
        final float[][] codedValues;
        final float[][] tailKeys;
        final float[][] tailValues;

        Past(KernelBench bench, Shape s) {
            int width = s.kvHeads * s.headDim;
            cache = CompressedKv.empty(bench, s.type, s.kvHeads, s.headDim, s.slots, s.tailSlots());
            int count = s.newest() + 1;
            codedKeys = new float[count][];
            codedValues = new float[count][];
            tailKeys = new float[count][];
            tailValues = new float[count][];
            for (int position = 0; position < count; position++) {
                float[] keys = CompressedKv.turned(bench.gaussians(width), s.headDim, s.type);
                float[] values = CompressedKv.turned(bench.gaussians(width), s.headDim, s.type);
                codedKeys[position] = CompressedKv.values(CompressedKv.codes(keys, s.headDim, s.type), s.headDim, s.type);
                codedValues[position] = CompressedKv.values(CompressedKv.codes(values, s.headDim, s.type), s.headDim, s.type);
                tailKeys[position] = CompressedKv.halves(keys);
                tailValues[position] = CompressedKv.halves(values);
                CompressedKv.store(cache, keys, values, position);
            }
            for (int position = Math.max(0, count - s.tailSlots()); position < s.tailFrom && cache.tail() != null; position++) {
                CompressedKv.spoil(cache.tail(), position % s.tailSlots(), width);
            }
        }
    }

    private static double[] expected(Shape s, float[] queries, Past past) {
        double[] out = new double[s.rows * s.width()];
        for (int row = 0; row < s.rows; row++) {
            for (int head = 0; head < s.heads; head++) {
                float[] query = CompressedKv.turned(Arrays.copyOfRange(queries, row * s.width() + head * s.headDim, row * s.width() + (head + 1) * s.headDim),
                        s.headDim, s.type);
                int kv = head / (s.heads / s.kvHeads) * s.headDim;
                int position = s.firstPosition + row;
                int from = Math.max(0, position - s.window + 1);
                int tailFrom = s.tailFrom(row, head);
                double[] scores = new double[position + 1 - from];
                for (int p = from; p <= position; p++) {
                    float[] key = p >= tailFrom ? past.tailKeys[p] : past.codedKeys[p];
                    for (int d = 0; d < s.headDim; d++) {
                        scores[p - from] += (double) query[d] * key[kv + d];
                    }
                }
                double max = Arrays.stream(scores).max().orElseThrow();
                double total = Arrays.stream(scores).map(score -> Math.exp(score - max)).sum();
                double[] sums = new double[s.headDim];
                for (int p = from; p <= position; p++) {
                    float[] value = p >= tailFrom ? past.tailValues[p] : past.codedValues[p];
                    for (int d = 0; d < s.headDim; d++) {
                        sums[d] += Math.exp(scores[p - from] - max) / total * value[kv + d];
                    }
                }
                float[] restored = new float[s.headDim];
                for (int d = 0; d < s.headDim; d++) {
                    restored[d] = (float) sums[d];
                }
                if (s.type == KvType.TQ4) {
                    HeadRotation.restore(restored, 0, s.headDim);
                }
                for (int d = 0; d < s.headDim; d++) {
                    out[row * s.width() + head * s.headDim + d] = restored[d];
                }
            }
        }
        return out;
    }

    /** One or more sequences of a step. */
    static void attend(Run run, Shape... shapes) {
        Shape common = shapes[0];
        int width = common.width();
        int rows = Arrays.stream(shapes).mapToInt(Shape::rows).sum();
        try (KernelBench bench = KernelBench.open(run, common.toString().hashCode())) {
            float[] queries = bench.gaussians(rows * width);
            for (int i = 0; i < queries.length; i++) {
                queries[i] *= 0.3f;
            }
            MetalRows out = bench.empty(rows, width);
            List<MetalAttention.Sequence> sequences = new ArrayList<>();
            double[] expected = new double[rows * width];
            int firstRow = 0;
            for (Shape shape : shapes) {
                Past past = new Past(bench, shape);
                sequences.add(new MetalAttention.Sequence(firstRow,
                        new MetalAttention.Span(shape.rows, shape.firstPosition, shape.newest(), shape.tailFrom), past.cache));
                float[] own = Arrays.copyOfRange(queries, firstRow * width, (firstRow + shape.rows) * width);
                System.arraycopy(expected(shape, own, past), 0, expected, firstRow * width, own.length);
                firstRow += shape.rows;
            }
            MetalRows in = bench.rows(queries, width);
            MetalAttention attention = bench.closing(new MetalAttention(bench.device, bench.kernels));
            attention.attention(bench.stream, in, sequences, common.heads, common.window, out);
            boolean rounded = Arrays.stream(shapes).anyMatch(Shape::rounded);
            assertClose(expected, bench.result(out.bytes()), rounded ? PREFILL_TOLERANCE : TOLERANCE, run + " " + List.of(shapes));
            assertArrayEquals(queries, bench.result(in.bytes()), "queries are left as they were");
        }
    }

    @Test
    void aRowReadsOldPositionsFromTheCodesAndNewOnesFromTheTail() {
        for (Run run : Run.all()) {
            attend(run, new Shape(KvType.TQ4, 4, 1, 64, 1, 230));
            attend(run, new Shape(KvType.Q8_0, 4, 2, 64, 1, 77));
        }
    }

    @Test
    void contextsAtTheEdgesOfBlocksAndTails() {
        for (int tokens : new int[] {1, 31, 32, 63, 64, 65, 127, 128, 191, 192, 193, 255, 256, 257, 320}) {
            attend(Run.FIFO, new Shape(KvType.TQ4, 2, 1, 32, 1, tokens - 1));
            attend(Run.RANDOM, new Shape(KvType.Q8_0, 2, 1, 32, 1, tokens - 1));
        }
    }

    @Test
    void headsOfAllSizesAndGroups() {
        Random random = new Random(4);
        for (int headDim : new int[] {32, 96, 128, 160, 224, 256, 288, 416, 512}) {
            for (KvType type : new KvType[] {KvType.Q8_0, KvType.TQ4}) {
                int group = 1 + random.nextInt(9);
                int kvHeads = 1 + random.nextInt(2);
                attend(Run.FIFO, new Shape(type, group * kvHeads, kvHeads, headDim, 1, 190 + random.nextInt(90)));
                attend(Run.LIFO, new Shape(type, group * kvHeads, kvHeads, headDim, 3 + random.nextInt(9), random.nextInt(250)));
            }
        }
    }

    @Test
    void aTailThatWasLostIsNotRead() {
        for (Run run : Run.all()) {
            // Nothing of it, some of it.
            attend(run, new Shape(KvType.TQ4, 2, 1, 32, 101, 1, 100, 1000, 90));
            attend(run, new Shape(KvType.TQ4, 2, 1, 32, 240, 12, 228, 1000, 130));
        }
    }

    @Test
    void keysThatAreSplitGiveTheSameSum() {
        for (Run run : Run.all()) {
            attend(run, new Shape(KvType.TQ4, 2, 1, 32, 1, 555));
            attend(run, new Shape(KvType.Q8_0, 2, 1, 32, 2, 555));
        }
        attend(Run.LIFO, new Shape(KvType.TQ4, 8, 1, 512, 1, 399));
        attend(Run.LIFO, new Shape(KvType.Q8_0, 8, 1, 256, 1, 399));
        attend(Run.RANDOM, new Shape(KvType.TQ4, 1, 1, 64, 1, 4095));
    }

    @Test
    void rowsOfAPromptDoNotSeeLaterOnes() {
        for (Run run : Run.all()) {
            attend(run, new Shape(KvType.TQ4, 4, 2, 64, 13, 240));
            attend(run, new Shape(KvType.Q8_0, 4, 2, 64, 13, 40));
        }
        attend(Run.LIFO, new Shape(KvType.TQ4, 2, 1, 256, 70, 170));
        attend(Run.RANDOM, new Shape(KvType.TQ4, 2, 2, 32, 150, 600));
        attend(Run.LIFO, new Shape(KvType.Q8_0, 4, 1, 512, 17, 30));
    }

    @Test
    void aWindowHidesOlderKeys() {
        for (KvType type : new KvType[] {KvType.Q8_0, KvType.TQ4}) {
            attend(Run.CHECKED, new Shape(type, 2, 1, 32, 300, 1, 280, 41, 0));
            attend(Run.LIFO, new Shape(type, 2, 1, 32, 300, 20, 270, 250, 0));
        }
        // Without a tail also in a ring.
        attend(Run.FIFO, new Shape(KvType.Q8_0, 2, 1, 32, 61, 5, 300, 41, 0));
    }

    @Test
    void sequencesOfAStepEachHaveTheirOwnKeys() {
        for (Run run : Run.all()) {
            for (KvType type : new KvType[] {KvType.Q8_0, KvType.TQ4}) {
                attend(run, new Shape(type, 4, 1, 32, 1, 400), new Shape(type, 4, 1, 32, 2, 10), new Shape(type, 4, 1, 32, 512, 1, 300, 100_000, 250));
            }
        }
    }

    @Test
    void aRingWithATailIsRefused() {
        try (KernelBench bench = KernelBench.open(Run.FIFO, 1)) {
            MetalKvSlots cache = CompressedKv.empty(bench, KvType.TQ4, 1, 32, 40, 64);
            MetalAttention attention = bench.closing(new MetalAttention(bench.device, bench.kernels));
            MetalRows x = bench.empty(1, 32);
            assertThrows(IllegalArgumentException.class, () -> attention.attention(bench.stream, x,
                    List.of(new MetalAttention.Sequence(0, new MetalAttention.Span(1, 40, 40, 0), cache)), 1, 20, bench.empty(1, 32)));
        }
    }
}
