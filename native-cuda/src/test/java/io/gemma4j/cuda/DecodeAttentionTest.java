package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.KvType;
import io.gemma4j.backend.Activations;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.LayerScratch;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.RopeFrequencies;
import io.gemma4j.backend.Step;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * The attention block of a step of one row, which has kernels of its own, against the scalar one: that of a layer that owns keys and values, then that of one that shares
 * them, with every type of cache and on both sides of every number of tokens at which other kernels or more parts of them take over.
 */
@Gpu
class DecodeAttentionTest {
    private static final float EPSILON = 1e-6f;
    private static final int HIDDEN = 512;
    private static final int MAX_STEP_ROWS = 64;
    private static final int[] CONTEXTS = {1, 2, 16, 17, 18, 33, 34, 63, 64, 65, 127, 128, 191, 192, 193, 255, 257, 258, 259, 511, 512, 513, 514, 1000, 2049, 4096};
    /** Inputs of projections rounded to 8 bits, which weighs most where few keys have nearly all of the probability. */
    private static final double BOUND = 2e-2;

    @RegisterExtension
    static final BothSides SIDES = new BothSides();

    /** A layer. */
    private record Case(KvType type, int headDim, int heads, int kvHeads, boolean values, int window) {

        int slots() {
            return window == Integer.MAX_VALUE ? CONTEXTS[CONTEXTS.length - 1] : window + MAX_STEP_ROWS - 1;
        }
    }

    @TestFactory
    Stream<DynamicTest> attentionAtEveryBorder() {
        List<Case> cases = new ArrayList<>();
        for (KvType type : KvType.values()) {
            for (int headDim : new int[] {256, 512}) {
                for (int[] heads : new int[][] {{8, 1}, {4, 2}, {6, 2}, {11, 1}, {3, 3}}) {
                    cases.add(new Case(type, headDim, heads[0], heads[1], true, Integer.MAX_VALUE));
                }
                cases.add(new Case(type, headDim, 8, 1, false, Integer.MAX_VALUE));
                if (!type.compressed()) {
                    cases.add(new Case(type, headDim, 8, 2, true, 512));
                    cases.add(new Case(type, headDim, 4, 2, true, 1024));
                    cases.add(new Case(type, headDim, 3, 1, true, 33));
                }
            }
        }
        return cases.stream().map(of -> DynamicTest.dynamicTest(of.toString(), () -> {
            float[][] expected = attend(SIDES.scalar(), of);
            float[][] actual = attend(SIDES.gpu(), of);
            for (int i = 0; i < expected.length; i++) {
                double error = GoldenModel.relativeL2(actual[i], expected[i]);
                assertTrue(error <= BOUND, CONTEXTS[i] + " tokens: relative L2 " + error + ", at most " + BOUND);
            }
        }));
    }

    /** What both layers make of the residual, for each number of tokens. */
    private static float[][] attend(Side side, Case of) {
        Random random = new Random(of.heads);
        ModelBackend b = side.backend();
        int queries = of.heads * of.headDim;
        int keys = of.kvHeads * of.headDim;
        RopeFrequencies rope = RopeFrequencies.of(of.headDim, 1e6, null);
        AttentionLayers layers = AttentionLayers.of(side, HIDDEN, of.heads, of.kvHeads, of.headDim, of.values, of.window, rope, random);
        Activations hidden = b.allocateActivations(1, HIDDEN);
        LayerScratch s = side.scratch(hidden, queries, keys, 8, null);
        List<float[]> all = new ArrayList<>();
        try (KvCache cache = side.cache(KvLayerLayout.of(0, of.kvHeads, of.headDim, of.slots(), of.type, MAX_STEP_ROWS), CONTEXTS[CONTEXTS.length - 1])) {
            for (int context : CONTEXTS) {
                side.fill(cache, context - 1, keys, MAX_STEP_ROWS, random);
                Step step = Step.of(cache, new int[1], Step.LogitRows.ALL);
                cache.begin(1);
                b.embedBlock(b.upload(RandomTensors.of(RandomTensors.gaussians(1, HIDDEN, random))), 1, step, hidden);
                b.attentionBlock(layers.owner(), EPSILON, step, s);
                b.attentionBlock(layers.sharing(), EPSILON, step, s);
                b.gatherLogitRows(hidden, step, hidden);
                all.addAll(List.of(side.get(hidden, 1)));
                cache.append(1);
            }
        }
        return all.toArray(float[][]::new);
    }
}
