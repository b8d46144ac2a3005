package io.gemma4j.metal;

import static io.gemma4j.metal.Closeness.assertClose;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gemma4j.KvType;
import io.gemma4j.backend.RopeFrequencies;
import io.gemma4j.metal.KernelBench.Run;
import io.gemma4j.metal.fake.MetalDriver;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(MetalDriver.class)
class MetalAttentionTest {
    /** With 32-bit queries; those of many rows are rounded to 11 bits beside an f16 cache. */
    private static final double TOLERANCE = 1e-5;
    private static final double PREFILL_TOLERANCE = 3e-3;

    /** Heads, and how much of them is where. */
    record Shape(KvType type, int heads, int kvHeads, int headDim, int slots, int rows, int firstPosition, int window) {
        int newest() {
            return firstPosition + rows - 1;
        }
    }

    /** Keys and values of all positions, rounded as the cache keeps them, and a cache that holds the last ones. */
    private static final class Past {
        final float[][] keys;
        final float[][] values;
        final MetalKvSlots cache;

        Past(KernelBench bench, Shape shape) {
            int width = shape.kvHeads * shape.headDim;
            long bytes = MetalKvSlots.bytes(Math.min(shape.slots, shape.newest() + 1), shape.kvHeads, shape.headDim, shape.type);
            cache = new MetalKvSlots(bench.buffer(bytes).slice(), bench.buffer(bytes).slice(), shape.type, shape.kvHeads, shape.headDim, shape.slots);
            keys = new float[shape.newest() + 1][];
            values = new float[shape.newest() + 1][];
            for (int position = 0; position <= shape.newest(); position++) {
                keys[position] = rounded(bench.gaussians(width), shape.type);
                values[position] = rounded(bench.gaussians(width), shape.type);
                store(cache.keys(), keys[position], position % shape.slots, shape.type);
                store(cache.values(), values[position], position % shape.slots, shape.type);
            }
        }

        private static float[] rounded(float[] x, KvType type) {
            for (int i = 0; i < x.length && type == KvType.F16; i++) {
                x[i] = Float.float16ToFloat(Float.floatToFloat16(x[i]));
            }
            return x;
        }

        private static void store(BufferSlice to, float[] x, int slot, KvType type) {
            for (int i = 0; i < x.length; i++) {
                long at = (long) slot * x.length + i;
                if (type == KvType.F16) {
                    to.contents().setAtIndex(JAVA_SHORT, at, Float.floatToFloat16(x[i]));
                } else {
                    to.contents().setAtIndex(JAVA_FLOAT, at, x[i]);
                }
            }
        }
    }

    private static float load(BufferSlice from, long at, KvType type) {
        return type == KvType.F16 ? Float.float16ToFloat(from.contents().getAtIndex(JAVA_SHORT, at)) : from.contents().getAtIndex(JAVA_FLOAT, at);
    }

    private static double[] expected(Shape s, float[] queries, Past past) {
        double[] out = new double[s.rows * s.heads * s.headDim];
        for (int row = 0; row < s.rows; row++) {
            for (int head = 0; head < s.heads; head++) {
                int at = (row * s.heads + head) * s.headDim;
                int kv = head / (s.heads / s.kvHeads) * s.headDim;
                int position = s.firstPosition + row;
                int from = Math.max(0, position - s.window + 1);
                double[] scores = IntStream.rangeClosed(from, position).mapToDouble(p ->
                        IntStream.range(0, s.headDim).mapToDouble(d -> (double) queries[at + d] * past.keys[p][kv + d]).sum()).toArray();
                double max = IntStream.range(0, scores.length).mapToDouble(i -> scores[i]).max().orElseThrow();
                double total = IntStream.range(0, scores.length).mapToDouble(i -> Math.exp(scores[i] - max)).sum();
                for (int i = 0; i < scores.length; i++) {
                    for (int d = 0; d < s.headDim; d++) {
                        out[at + d] += Math.exp(scores[i] - max) / total * past.values[from + i][kv + d];
                    }
                }
            }
        }
        return out;
    }

    /** One or more sequences of a step. */
    static void attend(Run run, Shape... shapes) {
        Shape common = shapes[0];
        int width = common.heads * common.headDim;
        int rows = IntStream.range(0, shapes.length).map(i -> shapes[i].rows).sum();
        try (KernelBench bench = KernelBench.open(run, common.toString().hashCode())) {
            float[] queries = bench.gaussians(rows * width);
            for (int i = 0; i < queries.length; i++) {
                queries[i] *= 0.3f;
            }
            MetalRows out = bench.empty(rows, width);
            List<MetalAttention.Sequence> sequences = new ArrayList<>();
            double[] expected = new double[rows * width];
            boolean rounds = false;
            int firstRow = 0;
            for (Shape shape : shapes) {
                Past past = new Past(bench, shape);
                sequences.add(new MetalAttention.Sequence(firstRow, new MetalAttention.Span(shape.rows, shape.firstPosition, shape.newest(), 0), past.cache));
                float[] own = Arrays.copyOfRange(queries, firstRow * width, (firstRow + shape.rows) * width);
                System.arraycopy(expected(shape, own, past), 0, expected, firstRow * width, own.length);
                rounds |= shape.type == KvType.F16 && shape.rows * shape.heads / shape.kvHeads > 8;
                firstRow += shape.rows;
            }
            MetalAttention attention = bench.closing(new MetalAttention(bench.device, bench.kernels));
            attention.attention(bench.stream, bench.rows(queries, width), sequences, common.heads, common.window, out);
            assertClose(expected, bench.result(out.bytes()), rounds ? PREFILL_TOLERANCE : TOLERANCE, run + " " + List.of(shapes));
        }
    }

    @Test
    void aRowAttendsToAllKeysSoFar() {
        for (Run run : Run.all()) {
            attend(run, new Shape(KvType.F16, 8, 1, 64, 100, 1, 77, 1000));
            attend(run, new Shape(KvType.F32, 6, 2, 24, 100, 1, 0, 1000));
        }
        attend(Run.FIFO, new Shape(KvType.F16, 4, 2, 256, 40, 1, 33, 1000));
        attend(Run.FIFO, new Shape(KvType.F16, 4, 1, 512, 70, 1, 60, 1000));
    }

    @Test
    void keysThatAreSplitGiveTheSameSum() {
        for (Run run : Run.all()) {
            attend(run, new Shape(KvType.F16, 2, 1, 32, 600, 1, 555, 1000));
        }
        attend(Run.RANDOM, new Shape(KvType.F32, 4, 2, 40, 430, 1, 1000, 300));
        attend(Run.LIFO, new Shape(KvType.F16, 2, 2, 512, 300, 1, 299, 1000));
    }

    @Test
    void fewRowsAfterManyTokensSplitTheKeysAsWell() {
        for (Run run : Run.all()) {
            attend(run, new Shape(KvType.F16, 8, 1, 32, 700, 3, 520, 1000));
        }
    }

    @Test
    void sequencesOfAStepEachHaveTheirOwnKeys() {
        for (Run run : Run.all()) {
            attend(run, new Shape(KvType.F16, 4, 1, 32, 700, 1, 400, 1000), new Shape(KvType.F16, 4, 1, 32, 700, 2, 10, 1000),
                    new Shape(KvType.F16, 4, 1, 32, 700, 1, 300, 1000));
        }
        // Parts of so many do not have room beside each other.
        attend(Run.RANDOM, IntStream.range(0, 9).mapToObj(i -> new Shape(KvType.F32, 8, 8, 16, 1400, 8, 1290 + i, 1000)).toArray(Shape[]::new));
    }

    @Test
    void aWindowHidesOlderKeysOfARing() {
        for (Run run : Run.all()) {
            attend(run, new Shape(KvType.F32, 4, 2, 32, 61, 1, 300, 41));
            attend(run, new Shape(KvType.F16, 2, 1, 32, 61, 20, 300, 41));
        }
        // The ring begins within a block, and the visible keys go round its end.
        attend(Run.FIFO, new Shape(KvType.F16, 2, 1, 16, 70, 5, 72, 64));
        attend(Run.FIFO, new Shape(KvType.F32, 2, 1, 16, 33, 1, 98, 33));
    }

    @Test
    void rowsOfAStepDoNotSeeLaterOnes() {
        for (Run run : Run.all()) {
            attend(run, new Shape(KvType.F16, 8, 2, 64, 130, 13, 40, 1000));
            attend(run, new Shape(KvType.F32, 4, 2, 16, 64, 9, 0, 1000));
        }
        attend(Run.LIFO, new Shape(KvType.F16, 4, 4, 256, 64, 40, 0, 1000));
        attend(Run.LIFO, new Shape(KvType.F16, 2, 1, 512, 64, 17, 30, 20));
    }

    @Test
    void headsThatNoKernelTakesAreRefused() {
        try (KernelBench bench = KernelBench.open(Run.FIFO, 1)) {
            BufferSlice slots = bench.floats(new float[64]);
            assertThrows(IllegalArgumentException.class, () -> new MetalKvSlots(slots, slots, KvType.F16, 1, 520, 1));
            assertThrows(IllegalArgumentException.class, () -> new MetalKvSlots(slots, slots, KvType.F16, 1, 12, 1));
        }
    }

    @Test
    void keysAndValuesAreStoredInTheSlotsOfTheirPositions() {
        for (Run run : Run.all()) {
            for (KvType type : new KvType[] {KvType.F32, KvType.F16}) {
                try (KernelBench bench = KernelBench.open(run, 3)) {
                    int width = 3 * 8;
                    int[] positions = {9, 10, 11};
                    long bytes = MetalKvSlots.bytes(11, 3, 8, type);
                    MetalKvSlots cache = new MetalKvSlots(bench.buffer(bytes).slice(), bench.buffer(bytes).slice(), type, 3, 8, 11);
                    float[] keys = bench.gaussians(3 * width);
                    float[] values = bench.gaussians(3 * width);
                    bench.closing(new MetalAttention(bench.device, bench.kernels)).kvUpdate(bench.stream, bench.rows(keys, width), bench.rows(values, width),
                            bench.ints(positions), cache, 3);
                    bench.stream.synchronize();
                    double[] expected = new double[3 * width];
                    float[] actual = new float[3 * width];
                    for (int i = 0; i < expected.length; i++) {
                        expected[i] = keys[i] + 100.0 * values[i];
                        long at = (long) positions[i / width] % 11 * width + i % width;
                        actual[i] = load(cache.keys(), at, type) + 100 * load(cache.values(), at, type);
                    }
                    assertClose(expected, actual, type == KvType.F32 ? 1e-6 : 1e-3, run + " " + type);
                }
            }
        }
    }

    @Test
    void onePassMakesQueriesKeysAndValuesAsTheSeparateOperationsDo() {
        for (Run run : Run.all()) {
            inputs(run, KvType.F32, true, false);
            inputs(run, KvType.F16, true, true);
            inputs(run, KvType.F16, false, false);
        }
    }

    private static void inputs(Run run, KvType type, boolean ownsKv, boolean valuesAreKeys) {
        try (KernelBench bench = KernelBench.open(run, 4)) {
            int heads = 4;
            int kvHeads = 2;
            int headDim = 40;
            int rows = 2;
            int slots = 37;
            float epsilon = 1e-4f;
            BufferSlice positions = bench.ints(36, 37);
            RopeFrequencies frequencies = RopeFrequencies.of(headDim, 1e4, null);
            BufferSlice queryNorm = bench.floats(bench.gaussians(headDim));
            BufferSlice keyNorm = bench.floats(bench.gaussians(headDim));
            float[] queries = bench.gaussians(rows * heads * headDim);
            float[] keys = bench.gaussians(rows * kvHeads * headDim);
            float[] values = valuesAreKeys ? keys : bench.gaussians(rows * kvHeads * headDim);
            long bytes = MetalKvSlots.bytes(slots, kvHeads, headDim, type);
            MetalNorm norm = new MetalNorm(bench.kernels);
            MetalRope rope = bench.closing(new MetalRope(bench.device, bench.kernels));
            MetalAttention attention = bench.closing(new MetalAttention(bench.device, bench.kernels));
            float[][] results = new float[2][];
            for (int way = 0; way < 2; way++) {
                MetalKvSlots cache = new MetalKvSlots(bench.buffer(bytes).slice(), bench.buffer(bytes).slice(), type, kvHeads, headDim, slots);
                MetalRows q = bench.rows(queries, heads * headDim);
                MetalRows k = ownsKv ? bench.rows(keys, kvHeads * headDim) : null;
                MetalRows v = valuesAreKeys && way == 0 ? k : ownsKv ? bench.rows(values, kvHeads * headDim) : null;
                if (way == 0) {
                    attention.inputs(bench.stream, new MetalAttention.Inputs(queryNorm, ownsKv ? keyNorm : null, rope.turns(frequencies), epsilon), q, k, v,
                            positions, heads, cache, rows);
                } else {
                    norm.rmsNorm(bench.stream, q, queryNorm, heads, epsilon, q, rows);
                    rope.ropeHalfSplit(bench.stream, q, heads, frequencies, positions, rows);
                    if (ownsKv) {
                        norm.rmsNorm(bench.stream, v, null, kvHeads, epsilon, v, rows);
                        norm.rmsNorm(bench.stream, k, keyNorm, kvHeads, epsilon, k, rows);
                        rope.ropeHalfSplit(bench.stream, k, kvHeads, frequencies, positions, rows);
                        attention.kvUpdate(bench.stream, k, v, positions, cache, rows);
                    }
                }
                float[] turned = bench.result(q.bytes());
                int cached = slots * kvHeads * headDim;
                results[way] = Arrays.copyOf(turned, turned.length + 2 * cached);
                for (int i = 0; i < cached; i++) {
                    results[way][turned.length + i] = load(cache.keys(), i, type);
                    results[way][turned.length + cached + i] = load(cache.values(), i, type);
                }
            }
            assertClose(IntStream.range(0, results[1].length).mapToDouble(i -> results[1][i]).toArray(), results[0], type == KvType.F32 ? 1e-6 : 1e-3,
                    run + " " + type + (ownsKv ? "" : ", keys of another layer"));
        }
    }
}
