package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.backend.Activations;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.LayerScratch;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.PerLayerEmbeddingWeights;
import io.gemma4j.backend.Step;
import io.gemma4j.backend.Weight;
import io.gemma4j.gguf.GgmlType;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Blocks of per-layer embeddings in steps of one row against the composition of scalar operations. */
@Gpu
class PerLayerEmbeddingTest {
    private static final float EPSILON = 1e-6f;
    private static final int LAYERS = 5;
    /** Of each case, to see that nothing depends on which block is faster; a sanitizer needs few. */
    private static final int REPETITIONS = Integer.getInteger("gemma4j.test.repetitions", 50);
    /** Sums of 32-bit floats in another order, through all layers. */
    private static final double FLOAT_BOUND = 5e-5;
    /** Inputs of each product rounded to 8 bits in groups of 8. */
    private static final double INT8_BOUND = 3e-2;

    @RegisterExtension
    static final BothSides SIDES = new BothSides();

    private record Case(GgmlType gate, GgmlType projection, int hidden, int width) {

        static Case of(GgmlType type, int hidden, int width) {
            return new Case(type, type, hidden, width);
        }

        /** Widths of E2B and E4B, and others; in one launch, in two, and by separate operations. */
        static Stream<Case> all() {
            return Stream.of(of(GgmlType.Q4_K, 1536, 256), of(GgmlType.Q4_K, 2560, 256), of(GgmlType.Q4_0, 1536, 256), of(GgmlType.Q4_0, 2560, 256),
                    of(GgmlType.Q5_K, 2560, 256), of(GgmlType.Q6_K, 1536, 256), of(GgmlType.Q6_K, 2560, 256), of(GgmlType.Q8_0, 1536, 256),
                    of(GgmlType.Q8_0, 2560, 256), of(GgmlType.IQ4_XS, 256, 512), of(GgmlType.Q4_1, 1568, 160), of(GgmlType.Q5_0, 736, 96),
                    of(GgmlType.Q5_1, 4096, 32), of(GgmlType.Q5_1, 4128, 32), of(GgmlType.MXFP4, 1056, 224), of(GgmlType.IQ4_NL, 32, 544),
                    of(GgmlType.IQ4_NL, 64, 512), of(GgmlType.F16, 544, 96), of(GgmlType.F16, 1536, 256), of(GgmlType.BF16, 512, 256),
                    of(GgmlType.BF16, 2560, 256), of(GgmlType.F32, 352, 32), of(GgmlType.F32, 1536, 256),
                    new Case(GgmlType.Q4_K, GgmlType.Q8_0, 1536, 256), of(GgmlType.F32, 96, 40));
        }

        boolean floats() {
            return gate.blockElements() == 1 && projection.blockElements() == 1;
        }
    }

    /** The residual after some layers that have no other block, as often as asked. */
    private static float[][] layers(Side side, Case of, int times) {
        Random random = new Random(of.hidden + of.width);
        ModelBackend b = side.backend();
        Weight embedding = side.vector(of.hidden, 1, random);
        Activations inputs = side.put(RandomTensors.gaussians(1, LAYERS * of.width, random));
        List<PerLayerEmbeddingWeights> layers = new ArrayList<>();
        for (int layer = 0; layer < LAYERS; layer++) {
            layers.add(new PerLayerEmbeddingWeights(side.matrix(of.gate, of.width, of.hidden, random),
                    side.matrix(of.projection, of.hidden, of.width, random), side.vector(of.hidden, 1, random)));
        }
        Activations hidden = b.allocateActivations(1, of.hidden);
        Activations gate = b.allocateActivations(1, of.width);
        Activations out = b.allocateActivations(1, of.hidden);
        float[][] results = new float[times][];
        try (KvCache none = new KvCache(List.of(), 1, 1)) {
            Step step = Step.of(none, new int[1], Step.LogitRows.ALL);
            for (int i = 0; i < times; i++) {
                b.embedBlock(embedding, 1, step, hidden);
                for (int layer = 0; layer < LAYERS; layer++) {
                    b.perLayerEmbeddingBlock(layers.get(layer), EPSILON, step, new LayerScratch(hidden, null, null, null, null, null, null, null, null,
                            out, inputs.columns(layer * of.width, of.width), gate, null));
                    b.scale(hidden, 0.75f, 1);
                }
                b.gatherLogitRows(hidden, step, hidden);
                results[i] = side.get(hidden, 1)[0];
            }
        }
        return results;
    }

    @TestFactory
    Stream<DynamicTest> sameAsTheCompositionAndTheSameEveryTime() {
        return Case.all().map(of -> DynamicTest.dynamicTest(of.toString(), () -> {
            float[] expected = layers(SIDES.scalar(), of, 1)[0];
            float[][] actual = layers(SIDES.gpu(), of, REPETITIONS);
            double bound = of.floats() ? FLOAT_BOUND : INT8_BOUND;
            double error = GoldenModel.relativeL2(actual[0], expected);
            assertTrue(error <= bound, "relative L2 " + error + ", at most " + bound);
            for (float[] again : actual) {
                assertArrayEquals(actual[0], again);
            }
        }));
    }
}
