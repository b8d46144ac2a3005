package io.gemma4j.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.CpuKernels;
import io.gemma4j.KvType;
import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider;
import io.gemma4j.backend.HeadQ8_0;
import io.gemma4j.backend.HeadRotation;
import io.gemma4j.backend.HeadTQ4;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.Step.LogitRows;
import io.gemma4j.backend.Step;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Stored keys and values and attention over them, against a softmax over all positions in double precision. */
abstract class AttentionContract extends CpuContract {
    /** Values are below 1; scores of some ten, summed in single precision, move their exponentials by a few millionths. */
    private static final double BOUND = 1e-5;

    private static final int MAX_STEP_ROWS = 20;

    /** Rows that read the same positions from a tail: those which the first of them reads. */
    private static final int BLOCK_ROWS = 8;

    private final CpuKernels kernels;

    AttentionContract(CpuKernels kernels) {
        super(kernels);
        this.kernels = kernels;
    }

    /** One sequence of one layer: its cache, and all keys and values that have ever been stored, as the cache's type has them. */
    private final class Sequence {
        final KvCache cache;
        final KvLayerLayout layout;
        final int window;
        final List<float[]> keys = new ArrayList<>();
        final List<float[]> values = new ArrayList<>();
        final List<float[]> tailKeys = new ArrayList<>();
        final List<float[]> tailValues = new ArrayList<>();

        Sequence(int kvHeads, int headDim, int window, int context, KvType type) {
            int slots = (int) Math.min(context, (long) window + MAX_STEP_ROWS - 1);
            this.layout = KvLayerLayout.of(0, kvHeads, headDim, slots, type, MAX_STEP_ROWS);
            this.cache = new KvCache(List.of(backend.allocateKv(layout)), 1, context, layer -> window, 0);
            this.window = window;
        }

        void remember(float[][] k, float[][] v, int firstRow, int rows) {
            for (int row = firstRow; row < firstRow + rows; row++) {
                keys.add(asStored(k[row], layout.type()));
                values.add(asStored(v[row], layout.type()));
                tailKeys.add(asInTail(k[row]));
                tailValues.add(asInTail(v[row]));
            }
        }

        boolean truncate(int tokens) {
            if (!cache.truncate(tokens)) {
                return false;
            }
            for (List<float[]> kept : List.of(keys, values, tailKeys, tailValues)) {
                kept.subList(tokens, kept.size()).clear();
            }
            return true;
        }

        private float[] asStored(float[] x, KvType type) {
            float[] stored = x.clone();
            MemorySegment head = MemorySegment.ofArray(new byte[(int) layout.headBytes()]);
            for (int at = 0; at < x.length && type.compressed(); at += layout.headDim()) {
                if (type == KvType.Q8_0) {
                    HeadQ8_0.store(x, at, layout.headDim(), head, 0);
                    HeadQ8_0.load(head, 0, stored, at, layout.headDim());
                } else {
                    HeadRotation.rotate(stored, at, layout.headDim());
                    HeadTQ4.store(stored, at, layout.headDim(), head, 0);
                    HeadTQ4.load(head, 0, stored, at, layout.headDim());
                    HeadRotation.restore(stored, at, layout.headDim());
                }
            }
            for (int i = 0; i < x.length && type == KvType.F16; i++) {
                stored[i] = Float.float16ToFloat(Float.floatToFloat16(x[i]));
            }
            return stored;
        }

        private float[] asInTail(float[] x) {
            float[] rotated = x.clone();
            for (int at = 0; at < x.length; at += layout.headDim()) {
                HeadRotation.rotate(rotated, at, layout.headDim());
            }
            float[] stored = asStored(rotated, KvType.F16);
            for (int at = 0; at < x.length; at += layout.headDim()) {
                HeadRotation.restore(stored, at, layout.headDim());
            }
            return stored;
        }

        private float[] key(int position, int tailFrom) {
            return (position >= tailFrom ? tailKeys : keys).get(position);
        }

        private float[] value(int position, int tailFrom) {
            return (position >= tailFrom ? tailValues : values).get(position);
        }

        /** @param firstPosition of the rows that share what they read */
        double[] attend(float[] queries, int head, int heads, int position, int firstPosition) {
            int tailFrom = layout.tailSlots() > 0 ? cache.tailFrom(firstPosition) : Integer.MAX_VALUE;
            int headDim = layout.headDim();
            int kv = head / (heads / layout.kvHeads()) * headDim;
            int first = (int) Math.max(0, (long) position - window + 1);
            double[] weights = new double[position - first + 1];
            double max = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < weights.length; i++) {
                for (int d = 0; d < headDim; d++) {
                    weights[i] += (double) queries[head * headDim + d] * key(first + i, tailFrom)[kv + d];
                }
                max = Math.max(max, weights[i]);
            }
            double sum = 0;
            for (int i = 0; i < weights.length; i++) {
                weights[i] = Math.exp(weights[i] - max);
                sum += weights[i];
            }
            double[] out = new double[headDim];
            for (int i = 0; i < weights.length; i++) {
                for (int d = 0; d < headDim; d++) {
                    out[d] += weights[i] / sum * value(first + i, tailFrom)[kv + d];
                }
            }
            return out;
        }
    }

    /** Stores a step's keys and values, attends, and compares every head of every row. */
    private void run(List<Sequence> sequences, Step step, int heads, float[][] q, float[][] k, float[][] v) {
        int headDim = sequences.getFirst().layout.headDim();
        backend.kvUpdate(activations(k), activations(v), step, 0);
        double[][] expected = new double[step.rows()][];
        for (int i = 0; i < sequences.size(); i++) {
            Sequence sequence = sequences.get(i);
            Step.Span span = step.spans().get(i);
            sequence.remember(k, v, span.firstRow(), span.rows());
            for (int row = span.firstRow(); row < span.firstRow() + span.rows(); row++) {
                int blockStart = step.position(row) - (row - span.firstRow()) % BLOCK_ROWS;
                expected[row] = attendAll(sequence, q[row], heads, step.position(row), blockStart);
            }
        }
        CpuActivations out = blank(step.rows(), heads * headDim);
        backend.attention(activations(q), step, 0, heads, sequences.getFirst().window, out);
        assertRows(out, step.rows(), (row, column) -> new Bounded(expected[row][column], BOUND),
                () -> sequences.getFirst().layout + " from position " + step.position(0));
        for (Step.Span span : step.spans()) {
            span.cache().append(span.rows());
        }
    }

    private static double[] attendAll(Sequence sequence, float[] queries, int heads, int position, int blockStart) {
        int headDim = sequence.layout.headDim();
        double[] all = new double[heads * headDim];
        for (int head = 0; head < heads; head++) {
            System.arraycopy(sequence.attend(queries, head, heads, position, blockStart), 0, all, head * headDim, headDim);
        }
        return all;
    }

    private void fill(Sequence sequence, int heads, Random random) {
        while (sequence.cache.tokens() < sequence.cache.contextTokens()) {
            int room = sequence.cache.contextTokens() - sequence.cache.tokens();
            extend(sequence, heads, Math.min(room, random.nextInt(1, MAX_STEP_ROWS + 1)), random);
        }
    }

    private void extend(Sequence sequence, int heads, int rows, Random random) {
        int keyWidth = sequence.layout.kvHeads() * sequence.layout.headDim();
        Step step = Step.of(sequence.cache, new int[rows], LogitRows.LAST);
        run(List.of(sequence), step, heads, uniform(rows, heads * sequence.layout.headDim(), 1, random), uniform(rows, keyWidth, 1, random),
                uniform(rows, keyWidth, 1, random));
    }

    @ParameterizedTest(name = "{0} heads of {2}, {1} for keys, window {3}, {4} positions")
    @CsvSource({
        "1, 1, 2, 1, 90", "8, 1, 2, 16, 300", "2, 1, 2, 1000, 1500", "4, 2, 2, 2147483647, 600", // pages begin at 256 and 512
        "2, 1, 16, 300, 700", "6, 3, 6, 237, 800", // rings of 319 and of exactly 256 slots
        "2, 1, 32, 2147483647, 900", "6, 2, 96, 2147483647, 500", "4, 4, 64, 300, 700", // tails of 256 slots, a ring of 319
        "2, 2, 256, 16, 150", "1, 1, 256, 2147483647, 270", "8, 1, 512, 2147483647, 40", "2, 1, 512, 16, 60"
    })
    void everyPositionSeesItsWindowHoweverThePromptIsCut(int heads, int kvHeads, int headDim, int window, int context) {
        for (KvType type : KvType.values()) {
            if (type.compressed() && headDim % 32 != 0) {
                continue;
            }
            Sequence sequence = new Sequence(kvHeads, headDim, window, context, type);
            try (KvCache _ = sequence.cache) {
                fill(sequence, heads, new Random(31L * headDim + window));
            }
        }
    }

    @ParameterizedTest(name = "{0} heads share keys")
    @ValueSource(ints = {1, 2, 8, 16})
    void groupsOfHeadsAttendAtOddLengthsAndWindows(int group) {
        Random random = new Random(group);
        for (int window : new int[] {127, 129, 3 + random.nextInt(500), Integer.MAX_VALUE}) {
            int kvHeads = random.nextInt(1, 4);
            Sequence sequence = new Sequence(kvHeads, 2 * random.nextInt(1, 12), window, 257 + random.nextInt(300), KvType.F32);
            try (KvCache _ = sequence.cache) {
                fill(sequence, group * kvHeads, random);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void afterGoingBackWhatTheTailHasLostIsReadFromTheCodes(KvType type) {
        Random random = new Random(12);
        Sequence sequence = new Sequence(1, 64, Integer.MAX_VALUE, 1000, type);
        try (KvCache cache = sequence.cache) {
            for (int i = 0; i < 12; i++) {
                while (cache.tokens() < 300 + 60 * i) {
                    extend(sequence, 2, random.nextInt(1, MAX_STEP_ROWS + 1), random);
                }
                assertTrue(sequence.truncate(i % 4 == 3 ? random.nextInt(cache.tokens()) : cache.tokens() - random.nextInt(250)));
                extend(sequence, 2, 1, random);
            }
        }
    }

    @Test
    void sequencesOfVeryDifferentLengthsShareAStep() {
        Random random = new Random(11);
        Sequence longer = new Sequence(1, 8, Integer.MAX_VALUE, 901, KvType.F32);
        Sequence shorter = new Sequence(1, 8, Integer.MAX_VALUE, 90, KvType.F16);
        try (KvCache _ = longer.cache; KvCache _ = shorter.cache) {
            for (int i = 0; i < 43; i++) {
                int rows = i % 3 == 0 ? 20 : 1;
                run(List.of(longer), Step.of(longer.cache, new int[rows], LogitRows.LAST), 8, uniform(rows, 64, 1, random), uniform(rows, 8, 1, random),
                        uniform(rows, 8, 1, random));
                Step both = Step.of(List.of(new Step.Sequence(longer.cache, new int[1], LogitRows.LAST),
                        new Step.Sequence(shorter.cache, new int[2], LogitRows.LAST)));
                run(List.of(longer, shorter), both, 8, uniform(3, 64, 1, random), uniform(3, 8, 1, random), uniform(3, 8, 1, random));
            }
        }
    }

    @ParameterizedTest(name = "{0} rows at position {1}, window {2}")
    @CsvSource({"1, 612, 2147483647", "1, 1999, 512", "3, 700, 2147483647", "9, 130, 2147483647", "20, 1200, 333"})
    void everyNumberOfWorkersGivesTheSameBits(int rows, int position, int window) throws BackendProvider.UnavailableException {
        float[][] expected = new float[KvType.values().length][];
        for (int workers : new int[] {1, 2, 3, 7, 7, 7}) {
            try (CpuBackend other = (CpuBackend) new CpuBackendProvider().open(new BackendOptions(workers, kernels))) {
                for (KvType type : KvType.values()) {
                    float[] found = attend(other, rows, position, window, type);
                    if (expected[type.ordinal()] == null) {
                        expected[type.ordinal()] = found;
                    }
                    assertArrayEquals(expected[type.ordinal()], found, workers + " workers, " + type);
                }
            }
        }
    }

    private float[] attend(CpuBackend other, int rows, int position, int window, KvType type) {
        Random random = new Random(position);
        KvLayerLayout layout = KvLayerLayout.of(0, 1, 32, position + rows, type, position);
        try (KvCache cache = new KvCache(List.of(other.allocateKv(layout)), 1, position + rows)) {
            store(other, Step.of(cache, new int[position], LogitRows.LAST), random);
            cache.append(position);
            Step step = Step.of(cache, new int[rows], LogitRows.LAST);
            store(other, step, random);
            CpuActivations out = CpuActivations.allocate(rows, 4 * 32);
            other.attention(activations(uniform(rows, 4 * 32, 1, random)), step, 0, 4, window, out);
            return out.data();
        }
    }

    private void store(CpuBackend other, Step step, Random random) {
        other.kvUpdate(activations(uniform(step.rows(), 32, 1, random)), activations(uniform(step.rows(), 32, 1, random)), step, 0);
    }

    @Test
    void scoresOfThousandsPickTheLargest() {
        Random random = new Random(5);
        Sequence sequence = new Sequence(1, 16, 1000, 200, KvType.F32);
        try (KvCache cache = sequence.cache) {
            while (cache.tokens() < 200) {
                // Whole numbers, whose products have no rounding errors however large the sum.
                float[][] q = wholeNumbers(8, 32, random);
                run(List.of(sequence), Step.of(cache, new int[8], LogitRows.ALL), 2, q, wholeNumbers(8, 16, random), uniform(8, 16, 1, random));
            }
        }
    }

    private static float[][] wholeNumbers(int rows, int width, Random random) {
        float[][] values = uniform(rows, width, 12, random);
        for (float[] row : values) {
            setAll(row, i -> Math.round(row[i]));
        }
        return values;
    }

    @Test
    void sequencesOfOneStepDoNotSeeEachOther() {
        Random random = new Random(6);
        Sequence a = new Sequence(2, 32, 300, 400, KvType.F32);
        Sequence b = new Sequence(2, 32, 300, 400, KvType.F16);
        Sequence c = new Sequence(2, 32, 300, 400, KvType.Q8_0);
        Sequence d = new Sequence(2, 32, 300, 400, KvType.TQ4);
        try (KvCache _ = a.cache; KvCache _ = b.cache; KvCache _ = c.cache; KvCache _ = d.cache) {
            for (int i = 0; i < 30; i++) {
                List<Step.Sequence> parts = new ArrayList<>();
                int rows = 0;
                for (Sequence sequence : List.of(a, b, c, d)) {
                    int count = random.nextInt(1, 13);
                    parts.add(new Step.Sequence(sequence.cache, new int[count], LogitRows.LAST));
                    rows += count;
                }
                run(List.of(a, b, c, d), Step.of(parts), 4, uniform(rows, 128, 1, random), uniform(rows, 64, 1, random), uniform(rows, 64, 1, random));
            }
        }
    }

    @Test
    void rowsThatWantLogitsAttendAloneAsTheyDidAmongTheOthers() {
        Random random = new Random(8);
        Sequence a = new Sequence(1, 8, 16, 100, KvType.F32);
        Sequence b = new Sequence(1, 8, 16, 100, KvType.F32);
        try (KvCache _ = a.cache; KvCache _ = b.cache) {
            Step step = Step.of(List.of(new Step.Sequence(a.cache, new int[18], LogitRows.LAST), new Step.Sequence(b.cache, new int[3], LogitRows.ALL)));
            float[][] q = uniform(21, 16, 1, random);
            run(List.of(a, b), step, 2, q, uniform(21, 8, 1, random), uniform(21, 8, 1, random));
            Step some = step.onlyLogitRows();
            assertEquals(4, some.rows());
            float[][] chosen = {q[17], q[18], q[19], q[20]};
            CpuActivations out = blank(4, 16);
            backend.attention(activations(chosen), some, 0, 2, 16, out);
            double[][] expected = {attendAll(a, q[17], 2, 17, 17), attendAll(b, q[18], 2, 0, 0), attendAll(b, q[19], 2, 1, 0), attendAll(b, q[20], 2, 2, 0)};
            assertRows(out, 4, (row, column) -> new Bounded(expected[row][column], BOUND), () -> "rows that want logits");
        }
    }

    @Test
    void closedCachesRefuseToBeRead() {
        Sequence sequence = new Sequence(1, 4, 16, 8, KvType.F32);
        fill(sequence, 1, new Random(1));
        sequence.cache.close();
        sequence.cache.close();
        sequence.cache.clear();
        Step step = Step.of(sequence.cache, new int[1], LogitRows.LAST);
        CpuActivations x = activations(new float[1][4]);
        assertThrows(IllegalStateException.class, () -> backend.kvUpdate(x, x, step, 0));
    }
}
