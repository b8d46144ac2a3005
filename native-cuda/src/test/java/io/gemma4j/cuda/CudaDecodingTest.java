package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Backend;
import io.gemma4j.Gemma4;
import io.gemma4j.KvType;
import io.gemma4j.LoadOptions;
import io.gemma4j.Session;
import java.io.IOException;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Steps of one token, which are recorded once and repeated. */
@Gpu
class CudaDecodingTest {
    private static final int TOKENS = 24;
    /** Inputs of products rounded to 8 bits instead of 11, through all layers. */
    private static final double BOUND = 1e-1;

    /** A model and how it holds keys and values. */
    private record Case(GoldenModel golden, KvType kv) {

        static Stream<Case> all() {
            return GoldenModel.all().flatMap(golden -> Stream.of(KvType.F16, KvType.Q8_0, KvType.TQ4).map(kv -> new Case(golden, kv)));
        }

        Gemma4 load() throws IOException {
            return Gemma4.load(golden.file(), LoadOptions.defaults().backend(Backend.CUDA).kvType(kv).contextTokens(256).prefillTokens(64));
        }
    }

    private static int[] prompt(GoldenModel golden) {
        return Arrays.copyOf(golden.prompts().getLast().ids(), TOKENS);
    }

    private static float[][] oneByOne(Session session, int[] tokens) {
        float[][] logits = new float[tokens.length][];
        for (int i = 0; i < tokens.length; i++) {
            logits[i] = session.feed(tokens[i]).logits().toArray();
        }
        return logits;
    }

    @TestFactory
    Stream<DynamicTest> sessionsThatTakeTurnsGetWhatEachGetsAlone() {
        return Case.all().map(of -> DynamicTest.dynamicTest(of.toString(), () -> {
            int[] tokens = prompt(of.golden());
            int[] reversed = new int[TOKENS];
            for (int i = 0; i < TOKENS; i++) {
                reversed[i] = tokens[TOKENS - 1 - i];
            }
            try (Gemma4 model = of.load(); Session alone = model.newSession(); Session aloneReversed = model.newSession();
                    Session first = model.newSession(); Session second = model.newSession()) {
                float[][] expected = oneByOne(alone, tokens);
                float[][] expectedReversed = oneByOne(aloneReversed, reversed);
                for (int i = 0; i < TOKENS; i++) {
                    assertArrayEquals(expected[i], first.feed(tokens[i]).logits().toArray());
                    assertArrayEquals(expectedReversed[i], second.feed(reversed[i]).logits().toArray());
                    if (i == TOKENS / 2) {
                        // Larger work in between moves memory that was recorded.
                        try (Session other = model.newSession()) {
                            other.feed(Arrays.copyOf(of.golden().prompts().getLast().ids(), 60));
                        }
                    }
                }
            }
        }));
    }

    @TestFactory
    Stream<DynamicTest> oneTokenAtATimeAgreesWithAllAtOnce() {
        return Case.all().map(of -> DynamicTest.dynamicTest(of.toString(), () -> {
            int[] tokens = prompt(of.golden());
            try (Gemma4 model = of.load(); Session one = model.newSession(); Session all = model.newSession()) {
                float[] last = oneByOne(one, tokens)[TOKENS - 1];
                double error = GoldenModel.relativeL2(last, all.feed(tokens).logits().toArray());
                assertTrue(error <= BOUND, "relative L2 " + error + ", at most " + BOUND);
            }
        }));
    }
}
