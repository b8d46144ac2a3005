package io.gemma4j.metal;

import io.gemma4j.KvType;
import io.gemma4j.backend.Activations;
import io.gemma4j.backend.HeadQ8_0;
import io.gemma4j.backend.HeadRotation;
import io.gemma4j.backend.HeadTQ4;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.Step;
import io.gemma4j.backend.Weight;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.BlockFormats;
import io.gemma4j.tensor.QuantizedTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Compares products, norms and attention of a few small shapes with their definitions, before a model is trusted to a GPU: what a system or a
 * device does differently must not become wrong text. Used by one thread.
 */
final class MetalSelfTest {
    private static final int OUTPUTS = 70;
    private static final int COLUMNS = 512;
    private static final int ROWS = 19;
    private static final int HEADS = 4;
    private static final int KV_HEADS = 2;
    private static final int HEAD_DIM = 64;
    private static final int WINDOW = 7;
    private static final int SLOTS = 400;
    private static final float EPSILON = 1e-6f;
    // Weights of mat-mat tiles, keys and values are rounded to 16 bits.
    private static final double PRODUCT_BOUND = 1e-3;
    private static final double ATTENTION_BOUND = 3e-3;

    private final MetalBackend backend;
    private final SplittableRandom random = new SplittableRandom(42);

    private MetalSelfTest(MetalBackend backend) {
        this.backend = backend;
    }

    /**
     * Runs all comparisons.
     *
     * @throws MetalException that says what differs, and how much
     */
    static void run(MetalBackend backend) {
        MetalSelfTest test = new MetalSelfTest(backend);
        for (GgmlType type : List.of(GgmlType.Q6_K, GgmlType.Q8_0)) {
            test.products(type);
        }
        test.norm();
        for (KvType type : List.of(KvType.F16, KvType.Q8_0, KvType.TQ4)) {
            test.attention(type);
        }
    }

    private void products(GgmlType type) {
        byte[] bytes = blocks(type);
        Weight weight = backend.upload(QuantizedTensor.of("self-test", type, OUTPUTS, COLUMNS, MemorySegment.ofArray(bytes)));
        float[] matrix = new float[OUTPUTS * COLUMNS];
        BlockFormats.of(type).orElseThrow().dequantize(MemorySegment.ofArray(bytes), 0, matrix, 0, matrix.length);
        float[][] in = values(ROWS, COLUMNS);
        float[][] expected = new float[ROWS][OUTPUTS];
        for (int r = 0; r < ROWS; r++) {
            for (int n = 0; n < OUTPUTS; n++) {
                double sum = 0;
                for (int k = 0; k < COLUMNS; k++) {
                    sum += (double) in[r][k] * matrix[n * COLUMNS + k];
                }
                expected[r][n] = (float) sum;
            }
        }
        for (int rows : new int[] {1, ROWS}) {
            Activations out = backend.allocateActivations(rows, OUTPUTS);
            backend.matmul(weight, filled(Arrays.copyOf(in, rows)), out, rows);
            compare("a product of " + rows + " rows with a matrix of " + type, out, Arrays.copyOf(expected, rows), PRODUCT_BOUND);
        }
    }

    // Any bytes are weights, as long as the 16-bit scale of each block is an ordinary number.
    private byte[] blocks(GgmlType type) {
        byte[] bytes = new byte[Math.toIntExact(OUTPUTS * type.rowBytes(COLUMNS))];
        random.nextBytes(bytes);
        int blockBytes = type.blockBytes();
        int scaleAt = type == GgmlType.Q6_K ? blockBytes - Short.BYTES : 0;
        MemorySegment memory = MemorySegment.ofArray(bytes);
        for (int at = scaleAt; at < bytes.length; at += blockBytes) {
            memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, Float.floatToFloat16((float) random.nextDouble(0.01, 0.02)));
        }
        return bytes;
    }

    private void norm() {
        float[][] in = values(ROWS, COLUMNS);
        float[] norm = values(1, COLUMNS)[0];
        Weight weight = backend.upload(QuantizedTensor.of("self-test", GgmlType.F32, 1, COLUMNS, floatBytes(norm)));
        float[][] expected = new float[ROWS][COLUMNS];
        for (int r = 0; r < ROWS; r++) {
            double squares = 0;
            for (float value : in[r]) {
                squares += (double) value * value;
            }
            double scale = 1 / Math.sqrt(squares / COLUMNS + EPSILON);
            for (int c = 0; c < COLUMNS; c++) {
                expected[r][c] = (float) (in[r][c] * scale * norm[c]);
            }
        }
        Activations out = backend.allocateActivations(ROWS, COLUMNS);
        backend.rmsNorm(filled(in), weight, 1, EPSILON, out, ROWS);
        compare("a norm", out, expected, PRODUCT_BOUND);
    }

    private static MemorySegment floatBytes(float[] values) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[values.length * Float.BYTES]);
        MemorySegment.copy(values, 0, bytes, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, values.length);
        return bytes;
    }

    // Rows of a prompt, then a single one, which is another kernel. In between the tail, where there is one, is lost: the single row reads the codes.
    private void attention(KvType type) {
        KvLayerLayout layout = KvLayerLayout.of(0, KV_HEADS, HEAD_DIM, SLOTS, type, ROWS);
        float[][] queries = values(ROWS, HEADS * HEAD_DIM);
        float[][] keys = values(ROWS, KV_HEADS * HEAD_DIM);
        float[][] values = values(ROWS, KV_HEADS * HEAD_DIM);
        try (KvCache cache = new KvCache(List.of(backend.allocateKv(layout)), 1, SLOTS)) {
            boolean tail = layout.tailSlots() > 0;
            attention(cache, queries, keys, values, ROWS - 1, asRead(keys, type, tail), asRead(values, type, tail));
            cache.begin(SLOTS - cache.tokens());
            cache.truncate(ROWS - 1);
            float[][] last = {queries[ROWS - 1]};
            attention(cache, last, new float[][] {keys[ROWS - 1]}, new float[][] {values[ROWS - 1]}, 1, asRead(keys, type, false), asRead(values, type, false));
        }
    }

    private void attention(KvCache cache, float[][] queries, float[][] keys, float[][] values, int rows, float[][] keysRead, float[][] valuesRead) {
        int first = cache.tokens();
        Step step = Step.of(cache, new int[rows], Step.LogitRows.ALL);
        Activations out = backend.allocateActivations(rows, HEADS * HEAD_DIM);
        backend.kvUpdate(filled(Arrays.copyOf(keys, rows)), filled(Arrays.copyOf(values, rows)), step, 0);
        backend.attention(filled(Arrays.copyOf(queries, rows)), step, 0, HEADS, WINDOW, out);
        cache.append(rows);
        float[][] expected = new float[rows][HEADS * HEAD_DIM];
        for (int r = 0; r < rows; r++) {
            for (int h = 0; h < HEADS; h++) {
                attend(queries[r], keysRead, valuesRead, first + r, h, expected[r]);
            }
        }
        compare("attention over keys and values of type " + cache.layer(0).layout().type(), out, expected, ATTENTION_BOUND);
    }

    /** Keys or values as a cache gives them back; those of a tail are about what they were. */
    private static float[][] asRead(float[][] rows, KvType type, boolean tail) {
        float[][] read = new float[rows.length][];
        MemorySegment bytes = MemorySegment.ofArray(new byte[(int) type.headBytes(HEAD_DIM)]);
        for (int r = 0; r < rows.length; r++) {
            read[r] = rows[r].clone();
            for (int at = 0; at < read[r].length && type.compressed() && !tail; at += HEAD_DIM) {
                if (type == KvType.TQ4) {
                    HeadRotation.rotate(read[r], at, HEAD_DIM);
                    HeadTQ4.store(read[r], at, HEAD_DIM, bytes, 0);
                    HeadTQ4.load(bytes, 0, read[r], at, HEAD_DIM);
                    HeadRotation.restore(read[r], at, HEAD_DIM);
                } else {
                    HeadQ8_0.store(read[r], at, HEAD_DIM, bytes, 0);
                    HeadQ8_0.load(bytes, 0, read[r], at, HEAD_DIM);
                }
            }
        }
        return read;
    }

    private static void attend(float[] query, float[][] keys, float[][] values, int position, int head, float[] out) {
        int kv = head / (HEADS / KV_HEADS) * HEAD_DIM;
        int from = Math.max(0, position - WINDOW + 1);
        double[] weights = new double[position + 1 - from];
        double max = Double.NEGATIVE_INFINITY;
        for (int p = from; p <= position; p++) {
            for (int i = 0; i < HEAD_DIM; i++) {
                weights[p - from] += (double) query[head * HEAD_DIM + i] * keys[p][kv + i];
            }
            max = Math.max(max, weights[p - from]);
        }
        double sum = 0;
        for (int i = 0; i < weights.length; i++) {
            weights[i] = Math.exp(weights[i] - max);
            sum += weights[i];
        }
        for (int i = 0; i < HEAD_DIM; i++) {
            double value = 0;
            for (int p = from; p <= position; p++) {
                value += weights[p - from] / sum * values[p][kv + i];
            }
            out[head * HEAD_DIM + i] = (float) value;
        }
    }

    private float[][] values(int rows, int width) {
        float[][] values = new float[rows][width];
        for (float[] row : values) {
            for (int i = 0; i < width; i++) {
                row[i] = (float) random.nextDouble(-0.5, 0.5);
            }
        }
        return values;
    }

    private Activations filled(float[][] values) {
        MetalActivations activations = (MetalActivations) backend.allocateActivations(values.length, values[0].length);
        for (int r = 0; r < values.length; r++) {
            MemorySegment.copy(values[r], 0, activations.rowsFrom(r).floats().bytes().contents(), ValueLayout.JAVA_FLOAT, 0, values[r].length);
        }
        return activations;
    }

    private void compare(String what, Activations out, float[][] expected, double bound) {
        double difference = 0;
        double norm = 0;
        float[] found = new float[out.width()];
        for (int r = 0; r < expected.length; r++) {
            backend.read(out, r, found);
            for (int i = 0; i < found.length; i++) {
                difference += Math.pow((double) found[i] - expected[r][i], 2);
                norm += Math.pow(expected[r][i], 2);
            }
        }
        double error = Math.sqrt(difference / norm);
        // Also where it is not a number.
        if (!(error <= bound)) {
            throw new MetalException("the self-test failed: " + what + " is off by " + error + ", expected at most " + bound);
        }
    }
}
