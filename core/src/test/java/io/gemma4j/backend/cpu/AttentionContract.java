package io.gemma4j.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gemma4j.CpuKernels;
import io.gemma4j.KvType;
import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.Step.LogitRows;
import io.gemma4j.backend.Step;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Stored keys and values and attention over them, against a softmax over all positions in double precision. */
abstract class AttentionContract extends CpuContract {
    /** Values are below 1; scores of some ten, summed in single precision, move their exponentials by a few millionths. */
    private static final double BOUND = 1e-5;

    private static final int MAX_STEP_ROWS = 20;

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

        Sequence(int kvHeads, int headDim, int window, int context, KvType type) {
            int slots = (int) Math.min(context, (long) window + MAX_STEP_ROWS - 1);
            this.layout = new KvLayerLayout(0, kvHeads, headDim, slots, type);
            this.cache = new KvCache(List.of(backend.allocateKv(layout)), 1, context);
            this.window = window;
        }

        void remember(float[][] k, float[][] v, int firstRow, int rows) {
            for (int row = firstRow; row < firstRow + rows; row++) {
                keys.add(asStored(k[row]));
                values.add(asStored(v[row]));
            }
        }

        private float[] asStored(float[] x) {
            float[] stored = x.clone();
            for (int i = 0; i < x.length && layout.type() == KvType.F16; i++) {
                stored[i] = Float.float16ToFloat(Float.floatToFloat16(x[i]));
            }
            return stored;
        }

        double[] attend(float[] queries, int head, int heads, int position) {
            int headDim = layout.headDim();
            int kv = head / (heads / layout.kvHeads()) * headDim;
            int first = (int) Math.max(0, (long) position - window + 1);
            double[] weights = new double[position - first + 1];
            double max = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < weights.length; i++) {
                for (int d = 0; d < headDim; d++) {
                    weights[i] += (double) queries[head * headDim + d] * keys.get(first + i)[kv + d];
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
                    out[d] += weights[i] / sum * values.get(first + i)[kv + d];
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
                expected[row] = attendAll(sequence, q[row], heads, step.position(row));
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

    private static double[] attendAll(Sequence sequence, float[] queries, int heads, int position) {
        int headDim = sequence.layout.headDim();
        double[] all = new double[heads * headDim];
        for (int head = 0; head < heads; head++) {
            System.arraycopy(sequence.attend(queries, head, heads, position), 0, all, head * headDim, headDim);
        }
        return all;
    }

    private void fill(Sequence sequence, int heads, Random random) {
        KvLayerLayout layout = sequence.layout;
        while (sequence.cache.tokens() < sequence.cache.contextTokens()) {
            int room = sequence.cache.contextTokens() - sequence.cache.tokens();
            int rows = Math.min(room, random.nextInt(1, MAX_STEP_ROWS + 1));
            Step step = Step.of(sequence.cache, new int[rows], LogitRows.LAST);
            run(List.of(sequence), step, heads, uniform(rows, heads * layout.headDim(), 1, random),
                    uniform(rows, layout.kvHeads() * layout.headDim(), 1, random), uniform(rows, layout.kvHeads() * layout.headDim(), 1, random));
        }
    }

    @ParameterizedTest(name = "{0} heads of {2}, {1} for keys, window {3}, {4} positions")
    @CsvSource({
        "1, 1, 2, 1, 90", "8, 1, 2, 16, 300", "2, 1, 2, 1000, 1500", "4, 2, 2, 2147483647, 600", // pages begin at 256 and 512
        "2, 1, 16, 300, 700", "6, 3, 6, 237, 800", // rings of 319 and of exactly 256 slots
        "2, 2, 256, 16, 150", "1, 1, 256, 2147483647, 270", "8, 1, 512, 2147483647, 40", "2, 1, 512, 16, 60"
    })
    void everyPositionSeesItsWindowHoweverThePromptIsCut(int heads, int kvHeads, int headDim, int window, int context) {
        for (KvType type : KvType.values()) {
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
        float[] expected = null;
        for (int workers : new int[] {1, 2, 3, 7, 7, 7}) {
            try (CpuBackend other = (CpuBackend) new CpuBackendProvider().open(new BackendOptions(workers, kernels))) {
                float[] found = attend(other, rows, position, window);
                if (expected == null) {
                    expected = found;
                }
                assertArrayEquals(expected, found, workers + " workers");
            }
        }
    }

    private float[] attend(CpuBackend other, int rows, int position, int window) {
        Random random = new Random(position);
        KvLayerLayout layout = new KvLayerLayout(0, 1, 32, position + rows, KvType.F16);
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
        Sequence a = new Sequence(2, 8, 16, 400, KvType.F32);
        Sequence b = new Sequence(2, 8, 16, 400, KvType.F16);
        Sequence c = new Sequence(2, 8, 16, 400, KvType.F32);
        try (KvCache _ = a.cache; KvCache _ = b.cache; KvCache _ = c.cache) {
            for (int i = 0; i < 30; i++) {
                List<Step.Sequence> parts = new ArrayList<>();
                int rows = 0;
                for (Sequence sequence : List.of(a, b, c)) {
                    int count = random.nextInt(1, 13);
                    parts.add(new Step.Sequence(sequence.cache, new int[count], LogitRows.LAST));
                    rows += count;
                }
                run(List.of(a, b, c), Step.of(parts), 4, uniform(rows, 32, 1, random), uniform(rows, 16, 1, random), uniform(rows, 16, 1, random));
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
            double[][] expected = {attendAll(a, q[17], 2, 17), attendAll(b, q[18], 2, 0), attendAll(b, q[19], 2, 1), attendAll(b, q[20], 2, 2)};
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
