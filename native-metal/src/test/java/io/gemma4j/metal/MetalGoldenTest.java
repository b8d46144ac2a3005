package io.gemma4j.metal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Backend;
import io.gemma4j.CpuKernels;
import io.gemma4j.Gemma4;
import io.gemma4j.KvType;
import io.gemma4j.LoadOptions;
import io.gemma4j.Session;
import io.gemma4j.metal.fake.MetalDriver;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
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
    private static final int EARLY_TOKENS = 192;
    private static final int LATE_TOKENS = 24;
    /**
     * Keys and values that differ by roundings now and then become different codes. So backends differ by a part of what the type loses: of these, which are
     * parts of what a type may differ from 16 bits.
     */
    private static final double Q8_0_KL = 0.002;
    private static final double TQ4_KL = 0.01;
    /** Logits that a model with random weights gives the one or the other order. */
    private static final double NEAR_TIE = 0.1;

    @TestFactory
    Stream<DynamicTest> logitsAreAsNearToTheReferenceAsThoseOfLlamaCpp() {
        return GoldenModel.all().flatMap(golden -> IntStream.of(1, 7, 64).mapToObj(stepTokens -> DynamicTest.dynamicTest(
                golden + ", steps of " + stepTokens, () -> compare(golden, stepTokens == 7 ? KvType.F32 : KvType.F16, stepTokens))));
    }

    private static Gemma4 load(GoldenModel golden, Backend backend, KvType kv, int stepTokens) throws IOException {
        // Not in 8 bits: what is compared is what Metal does with a cache.
        CpuKernels kernels = kv.compressed() ? CpuKernels.VECTOR : CpuKernels.AUTO;
        return Gemma4.load(golden.file(), LoadOptions.defaults().backend(backend).cpuKernels(kernels).kvType(kv).prefillTokens(stepTokens)
                .contextTokens(CONTEXT_TOKENS));
    }

    /** Where much of the text is older than the tail of a compressed cache, and a step reads from both. */
    @TestFactory
    Stream<DynamicTest> logitsWithCompressedCachesAreAsNearToThoseOfTheCpu() {
        return GoldenModel.all().flatMap(golden -> Stream.of(KvType.Q8_0, KvType.TQ4).flatMap(kv -> IntStream.of(1, 7, 64).mapToObj(stepTokens ->
                DynamicTest.dynamicTest(golden + " " + kv + ", steps of " + stepTokens, () -> compareWithCpu(golden, kv, stepTokens)))));
    }

    private static void compareWithCpu(GoldenModel golden, KvType kv, int stepTokens) throws IOException {
        List<float[]> expected = lateLogits(golden, Backend.CPU, kv, stepTokens);
        List<float[]> actual = lateLogits(golden, Backend.METAL, kv, stepTokens);
        double worstKl = 0;
        double worstChoice = 0;
        for (int i = 0; i < LATE_TOKENS; i++) {
            worstKl = max(worstKl, GoldenModel.kl(actual.get(i), expected.get(i)));
            float[] cpu = expected.get(i);
            worstChoice = max(worstChoice, cpu[greatest(cpu)] - cpu[greatest(actual.get(i))]);
        }
        System.out.printf("golden %s %s steps of %d: from the CPU's at most KL %.2e, choices at most %.2f below the best%n", golden, kv, stepTokens, worstKl,
                worstChoice);
        double bound = kv == KvType.Q8_0 ? Q8_0_KL : TQ4_KL;
        assertTrue(worstKl <= bound, "KL must be at most " + bound + ", is " + worstKl);
        assertTrue(worstChoice <= NEAR_TIE, "the greatest logit is another one, which is " + worstChoice + " less on the CPU");
    }

    private static int greatest(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            best = logits[i] > logits[best] ? i : best;
        }
        return best;
    }

    /** More tokens than the tail of a compressed cache holds, from the prompts. */
    private static int[] longText(GoldenModel golden, int tokens) {
        int[] once = golden.prompts().stream().flatMapToInt(prompt -> IntStream.of(prompt.ids())).toArray();
        return IntStream.range(0, tokens).map(i -> once[i % once.length]).toArray();
    }

    /** Logits after each of the last tokens of a long text, which are read in steps of {@code stepTokens}, the others in large ones. */
    private static List<float[]> lateLogits(GoldenModel golden, Backend backend, KvType kv, int stepTokens) throws IOException {
        List<float[]> logits = new ArrayList<>();
        int[] text = longText(golden, EARLY_TOKENS + LATE_TOKENS);
        try (Gemma4 model = load(golden, backend, kv, 64); Session session = model.newSession()) {
            session.feed(Arrays.copyOf(text, EARLY_TOKENS));
            for (int from = EARLY_TOKENS; from < text.length; from += stepTokens) {
                session.feed(Arrays.copyOfRange(text, from, Math.min(from + stepTokens, text.length)), after -> logits.add(after.toArray()));
            }
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
            int[] prompt = golden.prompts().getFirst().ids();
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
