package io.gemma4j.metal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Backend;
import io.gemma4j.Gemma4;
import io.gemma4j.KvType;
import io.gemma4j.LoadOptions;
import io.gemma4j.Session;
import io.gemma4j.metal.fake.MetalDriver;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;

/** Whole models through the public interface. */
@ExtendWith(MetalDriver.class)
class MetalGoldenTest {
    private static final int GREEDY_TOKENS = 12;

    @TestFactory
    Stream<DynamicTest> logitsAreAsNearToTheReferenceAsThoseOfLlamaCpp() {
        return GoldenModel.all().flatMap(golden -> IntStream.of(1, 7, 64).mapToObj(stepTokens -> DynamicTest.dynamicTest(
                golden + ", steps of " + stepTokens, () -> compare(golden, stepTokens == 7 ? KvType.F32 : KvType.F16, stepTokens))));
    }

    private static Gemma4 load(GoldenModel golden, Backend backend, KvType kv, int stepTokens) throws IOException {
        return Gemma4.load(golden.file(), LoadOptions.defaults().backend(backend).kvType(kv).prefillTokens(stepTokens).contextTokens(256));
    }

    private static void compare(GoldenModel golden, KvType kv, int stepTokens) throws IOException {
        double worstL2 = 0;
        double worstKl = 0;
        try (Gemma4 model = load(golden, Backend.METAL, kv, stepTokens)) {
            for (GoldenModel.Prompt prompt : golden.prompts()) {
                List<float[]> logits = new ArrayList<>();
                try (Session session = model.newSession()) {
                    session.feed(prompt.ids(), after -> logits.add(after.toArray()));
                }
                assertEquals(prompt.ids().length, logits.size());
                for (int i = 0; i < prompt.positions().length; i++) {
                    float[] actual = logits.get(prompt.positions()[i]);
                    worstL2 = max(worstL2, GoldenModel.relativeL2(actual, prompt.logits()[i]));
                    worstKl = max(worstKl, GoldenModel.kl(actual, prompt.logits()[i]));
                }
                if (stepTokens > 1) {
                    // Rows that want no logits are dropped on the way: those that do must not notice.
                    try (Session session = model.newSession()) {
                        float[] last = session.feed(prompt.ids()).logits().toArray();
                        worstL2 = max(worstL2, GoldenModel.relativeL2(last, prompt.logits()[prompt.positions().length - 1]));
                    }
                }
            }
        }
        System.out.printf("golden %s %s steps of %d: worst relative L2 %.2e, worst KL %.2e%n", golden, kv, stepTokens, worstL2, worstKl);
        assertTrue(worstL2 <= golden.maxRelativeL2(), "relative L2 must be at most " + golden.maxRelativeL2() + ", is " + worstL2);
        assertTrue(worstKl <= golden.maxKl(), "KL must be at most " + golden.maxKl() + ", is " + worstKl);
    }

    private static double max(double worst, double error) {
        return Double.isNaN(error) ? Double.POSITIVE_INFINITY : Math.max(worst, error);
    }

    @TestFactory
    Stream<DynamicTest> greedyTokensAreThoseOfTheCpu() {
        return GoldenModel.all().map(golden -> DynamicTest.dynamicTest(golden.toString(), () -> {
            int[] prompt = golden.prompts().getFirst().ids();
            int[] expected;
            try (Gemma4 cpu = load(golden, Backend.CPU, KvType.F16, 64)) {
                expected = greedy(cpu, prompt);
            }
            try (Gemma4 metal = load(golden, Backend.METAL, KvType.F16, 64)) {
                assertArrayEquals(expected, greedy(metal, prompt));
            }
        }));
    }

    private static int[] greedy(Gemma4 model, int[] prompt) {
        int[] tokens = new int[GREEDY_TOKENS];
        try (Session session = model.newSession()) {
            session.feed(prompt);
            for (int i = 0; i < GREEDY_TOKENS; i++) {
                tokens[i] = session.logits().argmax();
                session.feed(tokens[i]);
            }
        }
        return tokens;
    }
}
