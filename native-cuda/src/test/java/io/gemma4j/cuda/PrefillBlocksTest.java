package io.gemma4j.cuda;

import io.gemma4j.KvType;
import io.gemma4j.backend.Activations;
import io.gemma4j.backend.AttentionWeights;
import io.gemma4j.backend.ExpertWeights;
import io.gemma4j.backend.FeedForwardWeights;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.LayerScratch;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.RopeFrequencies;
import io.gemma4j.backend.Step;
import io.gemma4j.backend.Weight;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.QuantizedTensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Blocks of several rows on the GPU against the composition of scalar operations. */
@Gpu
class PrefillBlocksTest {
    private static final float EPSILON = 1e-6f;
    private static final int HIDDEN = 512;
    /** Inputs of each product, weights, queries, keys, values and probabilities rounded to 11 bits. */
    private static final double BOUND = 5e-3;
    /** Besides, keys and values that are nearly the same may get neighbouring codes. */
    private static final double CODES_BOUND = 4e-2;

    @RegisterExtension
    static final BothSides SIDES = new BothSides();

    private static Step step(KvCache cache, int rows) {
        return Step.of(cache, new int[rows], Step.LogitRows.LAST);
    }

    /** Geometry of a layer: heads, key/value heads, their size, window, slots of the cache, whether there is a value projection. */
    private record Heads(int heads, int kvHeads, int headDim, int window, int slots, boolean values) {}

    @TestFactory
    Stream<DynamicTest> attentionBlocksOverRingsAndLinearCaches() {
        return Stream.of(new Heads(4, 2, 256, 20, 160, true), new Heads(2, 2, 256, 300, 500, true), new Heads(8, 1, 256, 33, 500, false),
                new Heads(8, 1, 512, 500, 500, false), new Heads(4, 2, 512, 500, 500, true), new Heads(1, 1, 512, 50, 200, true),
                new Heads(3, 1, 256, 500, 500, true)).flatMap(heads -> Stream.of(KvType.values())
                        .map(type -> DynamicTest.dynamicTest(heads + ", " + type, () -> attention(heads, type))));
    }

    private static void attention(Heads of, KvType type) {
        SIDES.assertSame(of.toString(), type.compressed() ? CODES_BOUND : BOUND, side -> {
            Random random = new Random(of.window());
            int queries = of.heads() * of.headDim();
            int keys = of.kvHeads() * of.headDim();
            RopeFrequencies rope = RopeFrequencies.of(of.headDim(), 1e4, null);
            AttentionWeights owner = new AttentionWeights(of.heads(), of.kvHeads(), of.headDim(), of.window(), 0, rope, side.vector(HIDDEN, 1, random),
                    side.matrix(GgmlType.Q4_K, queries, HIDDEN, random), side.matrix(GgmlType.Q5_0, keys, HIDDEN, random),
                    of.values() ? side.matrix(GgmlType.Q6_K, keys, HIDDEN, random) : null, side.vector(of.headDim(), 0.3, random),
                    side.vector(of.headDim(), 0.3, random), side.matrix(GgmlType.Q4_K, HIDDEN, queries, random), side.vector(HIDDEN, 1, random));
            AttentionWeights sharing = new AttentionWeights(of.heads(), of.kvHeads(), of.headDim(), of.window(), 0, rope, side.vector(HIDDEN, 1, random),
                    side.matrix(GgmlType.Q8_0, queries, HIDDEN, random), null, null, side.vector(of.headDim(), 0.3, random), null,
                    side.matrix(GgmlType.BF16, HIDDEN, queries, random), side.vector(HIDDEN, 1, random));
            List<float[]> all = new ArrayList<>();
            try (KvCache cache = side.cache(of.kvHeads(), of.headDim(), of.slots(), type, 500)) {
                // From 192 on, a step within 64 positions reads the same from a tail, however its rows are put together.
                for (int rows : new int[] {130, 7, 55, 33}) {
                    Activations hidden = side.put(RandomTensors.gaussians(rows, HIDDEN, random));
                    LayerScratch s = side.scratch(hidden, queries, keys, 8, null);
                    Step step = step(cache, rows);
                    side.backend().attentionBlock(owner, EPSILON, step, s);
                    side.backend().attentionBlock(sharing, EPSILON, step, s);
                    all.addAll(List.of(side.get(hidden, rows)));
                    cache.append(rows);
                }
            }
            return all.toArray(float[][]::new);
        });
    }

    @TestFactory
    Stream<DynamicTest> feedForwardBlocks() {
        return Stream.of(GgmlType.Q4_K, GgmlType.Q6_K, GgmlType.Q5_0, GgmlType.F16, GgmlType.F32).map(type -> DynamicTest.dynamicTest(type.toString(), () -> {
            for (int rows : new int[] {2, 5, 130, 300}) {
                // 168 is no multiple of 16, for which gate and up cannot alternate.
                for (int width : new int[] {256, 768, 168}) {
                    GgmlType down = width % 256 == 0 ? type : GgmlType.Q8_0;
                    if (width % 32 == 0 || type == GgmlType.F32) {
                        feedForward(type, down == GgmlType.Q8_0 && width % 32 != 0 ? GgmlType.F32 : down, rows, width, 1);
                    }
                }
            }
        }));
    }

    private static void feedForward(GgmlType type, GgmlType downType, int rows, int width, double normScale) {
        SIDES.assertSame(type + ", " + rows + " rows, width " + width, BOUND, side -> {
            Random random = new Random(rows + width);
            Weight norm = side.vector(HIDDEN, normScale, random);
            QuantizedTensor gateUp = QuantizedTensor.concatRows("gate, up", RandomTensors.of(type, width, HIDDEN, random),
                    RandomTensors.of(type, width, HIDDEN, random));
            FeedForwardWeights w = new FeedForwardWeights(norm, side.backend().upload(gateUp), null, null, side.matrix(downType, HIDDEN, width, random),
                    side.vector(HIDDEN, 1, random));
            Activations hidden = side.put(RandomTensors.gaussians(rows, HIDDEN, random));
            try (KvCache none = new KvCache(List.of(), 1, rows)) {
                side.backend().feedForwardBlock(w, EPSILON, step(none, rows), side.scratch(hidden, 8, 8, width, null));
            }
            return side.get(hidden, rows);
        });
    }

    @Test
    void rowsBeyondTheRangeOf16BitFloatsAndSmallOnesKeepTheirPrecision() {
        int rows = 300;
        int width = 256;
        SIDES.assertSame("rows of all magnitudes", BOUND, side -> {
            Random random = new Random(3);
            // Only the first element of a row decides how large its gated activations are.
            float[][] norm = new float[1][HIDDEN];
            for (int i = 0; i < HIDDEN; i++) {
                norm[0][i] = i == 0 ? 3000 : 1e-3f;
            }
            float[][] in = RandomTensors.gaussians(rows, HIDDEN, random);
            for (int row = 0; row < rows; row++) {
                in[row][0] *= row < 128 || row % 3 == 0 ? 0 : 1;
            }
            in[17][0] = 4;
            in[290] = new float[HIDDEN];
            FeedForwardWeights w = new FeedForwardWeights(side.backend().upload(RandomTensors.of(norm)),
                    side.matrix(GgmlType.Q4_K, 2 * width, HIDDEN, random), null, null, side.matrix(GgmlType.Q4_K, HIDDEN, width, random),
                    side.vector(HIDDEN, 1, random));
            Activations hidden = side.put(in);
            try (KvCache none = new KvCache(List.of(), 1, rows)) {
                side.backend().feedForwardBlock(w, EPSILON, step(none, rows), side.scratch(hidden, 8, 8, width, null));
            }
            return side.get(hidden, rows);
        });
    }

    @TestFactory
    Stream<DynamicTest> expertBlocks() {
        return Stream.of(GgmlType.Q4_K, GgmlType.Q8_0).map(type -> DynamicTest.dynamicTest(type.toString(), () -> {
            for (int rows : new int[] {2, 9, 200, 700}) {
                experts(type, rows, 16, 3);
            }
        }));
    }

    private static void experts(GgmlType type, int rows, int experts, int perRow) {
        int width = 96;
        SIDES.assertSame(type + ", " + rows + " rows", BOUND, side -> {
            Random random = new Random(rows);
            ModelBackend b = side.backend();
            FeedForwardWeights shared = new FeedForwardWeights(side.vector(HIDDEN, 1, random), side.matrix(type, 512, HIDDEN, random), null, null,
                    side.matrix(type, HIDDEN, 256, random), side.vector(HIDDEN, 1, random));
            ExpertWeights w = new ExpertWeights(side.vector(HIDDEN, 1, random), side.matrix(GgmlType.F32, experts, HIDDEN, random),
                    side.vector(HIDDEN, 1, random), side.matrix(type, 2L * width * experts, HIDDEN, random), null, null,
                    side.matrix(GgmlType.Q5_0, (long) HIDDEN * experts, width, random), side.vector(experts, 1, random), side.vector(HIDDEN, 1, random),
                    side.vector(HIDDEN, 1, random));
            Activations gateUp = b.allocateActivations(rows * perRow, 2 * width);
            LayerScratch.ExpertScratch e = new LayerScratch.ExpertScratch(b.allocateActivations(rows, experts), b.allocateRouting(rows, perRow), gateUp,
                    gateUp.columns(0, width), gateUp.columns(width, width), b.allocateActivations(rows * perRow, HIDDEN),
                    b.allocateActivations(rows, HIDDEN));
            Activations hidden = side.put(RandomTensors.gaussians(rows, HIDDEN, random));
            try (KvCache none = new KvCache(List.of(), 1, rows)) {
                b.expertBlock(shared, w, EPSILON, step(none, rows), side.scratch(hidden, 8, 8, 256, e));
            }
            return side.get(hidden, rows);
        });
    }
}
