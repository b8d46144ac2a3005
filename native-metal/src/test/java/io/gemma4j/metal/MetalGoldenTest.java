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
    private static final int CONTEXT_TOKENS = 256;
    private static final int LONG_TEXT_TOKENS = 230;

    @TestFactory
    Stream<DynamicTest> logitsAreAsNearToTheReferenceAsThoseOfLlamaCpp() {
        return GoldenModel.all().flatMap(golden -> IntStream.of(1, 7, 64).mapToObj(stepTokens -> DynamicTest.dynamicTest(
                golden + ", steps of " + stepTokens, () -> compare(golden, stepTokens == 7 ? KvType.F32 : KvType.F16, stepTokens))));
    }

    private static Gemma4 load(GoldenModel golden, Backend backend, KvType kv, int stepTokens) throws IOException {
        return Gemma4.load(golden.file(), LoadOptions.defaults().backend(backend).kvType(kv).prefillTokens(stepTokens).contextTokens(CONTEXT_TOKENS));
    }

    /** Also where much of the text is older than the tail of a compressed cache, and where a step reads from both. */
    @TestFactory
    Stream<DynamicTest> logitsWithCompressedCachesAreAsNearToThoseOfTheCpu() {
        return GoldenModel.all().flatMap(golden -> Stream.of(KvType.Q8_0, KvType.TQ4).flatMap(kv -> IntStream.of(1, 7, 64).mapToObj(stepTokens ->
                DynamicTest.dynamicTest(golden + " " + kv + ", steps of " + stepTokens, () -> compareWithCpu(golden, kv, stepTokens)))));
    }

    private static void compareWithCpu(GoldenModel golden, KvType kv, int stepTokens) throws IOException {
        int[] text = longText(golden);
        List<float[]> expected = allLogits(golden, Backend.CPU, kv, stepTokens, text);
        List<float[]> actual = allLogits(golden, Backend.METAL, kv, stepTokens, text);
        double worstL2 = 0;
        double worstKl = 0;
        for (int i = 0; i < text.length; i++) {
            worstL2 = max(worstL2, GoldenModel.relativeL2(actual.get(i), expected.get(i)));
            worstKl = max(worstKl, GoldenModel.kl(actual.get(i), expected.get(i)));
        }
        System.out.printf("golden %s %s steps of %d: from the CPU's at most relative L2 %.2e, KL %.2e%n", golden, kv, stepTokens, worstL2, worstKl);
        assertTrue(worstL2 <= golden.maxRelativeL2(), "relative L2 must be at most " + golden.maxRelativeL2() + ", is " + worstL2);
        assertTrue(worstKl <= golden.maxKl(), "KL must be at most " + golden.maxKl() + ", is " + worstKl);
    }

    /** The prompts one after the other. */
    private static int[] longText(GoldenModel golden) {
        int[] once = golden.prompts().stream().flatMapToInt(prompt -> IntStream.of(prompt.ids())).toArray();
        return IntStream.range(0, LONG_TEXT_TOKENS).map(i -> once[i % once.length]).toArray();
    }

    private static List<float[]> allLogits(GoldenModel golden, Backend backend, KvType kv, int stepTokens, int[] text) throws IOException {
        List<float[]> logits = new ArrayList<>();
        try (Gemma4 model = load(golden, backend, kv, stepTokens); Session session = model.newSession()) {
            session.feed(text, after -> logits.add(after.toArray()));
        }
        return logits;
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
        return GoldenModel.all().flatMap(golden -> Stream.of(KvType.F16, KvType.Q8_0, KvType.TQ4).map(kv -> DynamicTest.dynamicTest(golden + " " + kv, () -> {
            int[] prompt = kv == KvType.F16 ? golden.prompts().getFirst().ids() : longText(golden);
            int[] expected;
            try (Gemma4 cpu = load(golden, Backend.CPU, kv, 64)) {
                expected = greedy(cpu, prompt);
            }
            try (Gemma4 metal = load(golden, Backend.METAL, kv, 64)) {
                assertArrayEquals(expected, greedy(metal, prompt));
            }
        })));
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
