package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.KvType;
import io.gemma4j.backend.Activations;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.KvStore;
import io.gemma4j.backend.LayerScratch;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.RopeFrequencies;
import io.gemma4j.backend.Step;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Layers whose values are the raw keys, where the GPU stores of a key only what turns, against the scalar backend, which stores whole keys. */
@Gpu
class DerivedKeysTest {
    private static final float EPSILON = 1e-6f;
    private static final int HIDDEN = 512;
    private static final int HEAD_DIM = 512;
    private static final int SLOTS = 1400;
    private static final double PREFILL_BOUND = 5e-3;
    /** Inputs of projections rounded to 8 bits, which weighs most where few keys have nearly all of the probability. */
    private static final double DECODE_BOUND = 2e-2;

    @RegisterExtension
    static final BothSides SIDES = new BothSides();

    /** Two layers, and what they need. */
    private record Layers(Side side, AttentionLayers attention) {

        /** {@code turningPairs}: of 256. */
        static Layers of(Side side, int heads, int kvHeads, int turningPairs, Random random) {
            float[] factors = new float[HEAD_DIM / 2];
            Arrays.fill(factors, 0, turningPairs, 1);
            Arrays.fill(factors, turningPairs, factors.length, 1e30f);
            RopeFrequencies rope = RopeFrequencies.of(HEAD_DIM, 1e6, factors);
            return new Layers(side, AttentionLayers.of(side, HIDDEN, heads, kvHeads, HEAD_DIM, false, KvCache.NO_WINDOW, rope, random));
        }

        KvCache cache() {
            KvLayerLayout layout = new KvLayerLayout(0, attention.owner().kvHeads(), HEAD_DIM, SLOTS, KvType.F16);
            KvCache cache = new KvCache(new ArrayList<>(List.of(side.backend().allocateKv(layout, attention.owner()))), 1, SLOTS);
            if (side == SIDES.gpu()) {
                assertEquals(side.backend().kvBytes(layout, attention.owner()), cache.bytes());
            }
            return cache;
        }

        /** What both layers make of random rows, as many for each of the caches. */
        float[][] run(int rows, Random random, KvCache... caches) {
            ModelBackend b = side.backend();
            int all = rows * caches.length;
            Activations hidden = b.allocateActivations(all, HIDDEN);
            LayerScratch s = side.scratch(hidden, attention.owner().heads() * HEAD_DIM, attention.owner().kvHeads() * HEAD_DIM, 8, null);
            Step step = Step.of(Stream.of(caches).map(cache -> new Step.Sequence(cache, IntStream.range(0, rows).toArray(), Step.LogitRows.ALL)).toList());
            Stream.of(caches).forEach(cache -> cache.begin(rows));
            b.embedBlock(b.upload(RandomTensors.of(RandomTensors.gaussians(rows, HIDDEN, random))), 1, step, hidden);
            b.attentionBlock(attention.owner(), EPSILON, step, s);
            b.attentionBlock(attention.sharing(), EPSILON, step, s);
            b.gatherLogitRows(hidden, step, hidden);
            float[][] results = side.get(hidden, all);
            Stream.of(caches).forEach(cache -> cache.append(rows));
            return results;
        }
    }

    @TestFactory
    Stream<DynamicTest> stepsOfAnyLengthSeeWholeKeys() {
        // Groups of 3 and 11 query heads have no kernel of warpgroups for several rows.
        return Stream.of(new int[] {8, 1, 64}, new int[] {4, 2, 64}, new int[] {16, 1, 64}, new int[] {11, 1, 64}, new int[] {9, 3, 17}, new int[] {2, 2, 0})
                .map(of -> DynamicTest.dynamicTest(of[0] + " heads, " + of[1] + " of keys, " + of[2] + " pairs turn",
                        () -> assertSame(of, 1, 1, 130, 1, 7, 1, 55, 300, 1, 16, 1, 40, 1)));
    }

    @Test
    void longTextsSeeWholeKeys() {
        assertSame(new int[] {8, 2, 64}, 700, 1, 300, 1, 1);
    }

    private static void assertSame(int[] of, int... steps) {
        float[][][] expected = run(SIDES.scalar(), of, steps);
        float[][][] actual = run(SIDES.gpu(), of, steps);
        for (int i = 0; i < steps.length; i++) {
            double bound = steps[i] == 1 ? DECODE_BOUND : PREFILL_BOUND;
            for (int row = 0; row < steps[i]; row++) {
                double error = GoldenModel.relativeL2(actual[i][row], expected[i][row]);
                assertTrue(error <= bound, "step " + i + ", row " + row + ": relative L2 " + error + ", at most " + bound);
            }
        }
    }

    private static float[][][] run(Side side, int[] of, int[] steps) {
        Random random = new Random(of[0]);
        Layers layers = Layers.of(side, of[0], of[1], of[2], random);
        try (KvCache cache = layers.cache()) {
            return IntStream.of(steps).mapToObj(rows -> layers.run(rows, random, cache)).toArray(float[][][]::new);
        }
    }

    @Test
    void sequencesOfOneStepSeeTheirOwnKeys() {
        SIDES.assertSame("two sequences", PREFILL_BOUND, side -> {
            Random random = new Random(1);
            Layers layers = Layers.of(side, 4, 2, 64, random);
            try (KvCache one = layers.cache(); KvCache two = layers.cache()) {
                layers.run(40, random, one);
                layers.run(70, random, two);
                return layers.run(9, random, one, two);
            }
        });
    }

    @Test
    void keysThatDoNotFollowAreStoredAsAWhole() {
        Random random = new Random(2);
        Layers layers = Layers.of(SIDES.gpu(), 4, 2, 65, random);
        try (KvCache cache = layers.cache()) {
            assertEquals(2L * SLOTS * 2 * HEAD_DIM * Short.BYTES, cache.bytes());
        }
    }

    @Test
    void whoCopiesKeysSeesThemAsAWhole() {
        try (Arena arena = Arena.ofConfined()) {
            List<MemorySegment> expected = stores(SIDES.scalar(), arena);
            List<MemorySegment> actual = stores(SIDES.gpu(), arena);
            for (int store = 0; store < 2; store++) {
                double error = GoldenModel.relativeL2(floats(actual.get(store)), floats(expected.get(store)));
                assertTrue(error <= PREFILL_BOUND, "store " + store + ": relative L2 " + error);
            }
        }
    }

    private static List<MemorySegment> stores(Side side, Arena arena) {
        Random random = new Random(3);
        Layers layers = Layers.of(side, 4, 2, 64, random);
        try (KvCache cache = layers.cache()) {
            layers.run(100, random, cache);
            return read(cache, 100, arena);
        }
    }

    private static List<MemorySegment> read(KvCache cache, int tokens, Arena arena) {
        return cache.layer(0).stores().stream().map(store -> {
            MemorySegment bytes = arena.allocate(store.bytes(tokens));
            store.readPositions(0, tokens, bytes);
            return bytes;
        }).toList();
    }

    private static float[] floats(MemorySegment halves) {
        float[] values = new float[(int) (halves.byteSize() / Short.BYTES)];
        for (int i = 0; i < values.length; i++) {
            values[i] = Float.float16ToFloat(halves.getAtIndex(ValueLayout.JAVA_SHORT, i));
        }
        return values;
    }

    @Test
    void copiesAreTheSameCache() {
        Random random = new Random(4);
        Layers layers = Layers.of(SIDES.gpu(), 8, 2, 64, random);
        try (Arena arena = Arena.ofConfined(); KvCache cache = layers.cache(); KvCache copied = layers.cache(); KvCache written = layers.cache()) {
            assertEquals(2L * SLOTS * (HEAD_DIM + 128) * Short.BYTES, cache.bytes());
            layers.run(77, random, cache);
            copied.copy(cache, 77);
            List<MemorySegment> parts = read(cache, 77, arena);
            List<KvStore> to = written.layer(0).stores();
            IntStream.range(0, 2).forEach(store -> to.get(store).writePositions(0, 77, parts.get(store)));
            written.resume(77, 0, 77);
            float[][] expected = layers.run(5, new Random(5), cache);
            assertArrayEquals(expected, layers.run(5, new Random(5), copied));
            assertArrayEquals(expected, layers.run(5, new Random(5), written));
        }
    }
}
