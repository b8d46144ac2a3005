package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What compressed caches cost in quality: the divergence of the next token's distribution from that with an f16 cache. */
class CompressedCacheTest {
    private static final int LONG_TOKENS = 1000;
    // A query reads as many positions from the tail at least: up to here nothing is compressed to a reader.
    private static final int TAIL_TOKENS = 128;
    // Whatever rounds differently exchanges experts that are nearly tied: F32 in place of F16 already costs up to 0.003 on average and 0.3 in a row.
    private static final String EXPERTS = "moe";

    private static Stream<Fixture> fixtures() {
        return Fixture.all().stream();
    }

    private static double meanBound(KvType type) {
        return type == KvType.Q8_0 ? 0.005 : 0.05;
    }

    private static Gemma4 load(Fixture fixture, KvType type, int stepTokens) throws IOException {
        return Gemma4.load(fixture.model(), LoadOptions.defaults().backend(Backend.CPU).threads(2).cpuKernels(CpuKernels.VECTOR).kvType(type)
                .prefillTokens(stepTokens).contextTokens(LONG_TOKENS + 100));
    }

    private static List<float[]> logits(Gemma4 model, int[] tokens) {
        List<float[]> rows = new ArrayList<>();
        try (Session session = model.newSession()) {
            session.feed(tokens, logits -> rows.add(logits.toArray()));
        }
        return rows;
    }

    private static double[] divergences(List<float[]> expected, List<float[]> actual) {
        assertEquals(expected.size(), actual.size());
        double[] rows = new double[expected.size()];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = Fixture.divergence(expected.get(i), actual.get(i));
        }
        return rows;
    }

    private static double mean(double[] values) {
        return Arrays.stream(values).average().orElse(0);
    }

    private static void report(String what, double[] rows) {
        double[] sorted = rows.clone();
        Arrays.sort(sorted);
        System.out.printf("divergence %s: mean %.2e, median %.2e, 99 %% below %.2e, max %.2e%n", what, mean(rows), sorted[rows.length / 2],
                sorted[rows.length * 99 / 100], sorted[rows.length - 1]);
    }

    @ParameterizedTest
    @MethodSource("fixtures")
    void goldenRowsStayCloseToThoseOfTheF16Cache(Fixture fixture) throws Exception {
        for (int stepTokens : new int[] {1, 512}) {
            for (KvType type : new KvType[] {KvType.Q8_0, KvType.TQ4}) {
                List<Double> all = new ArrayList<>();
                try (Gemma4 f16 = load(fixture, KvType.F16, stepTokens); Gemma4 compressed = load(fixture, type, stepTokens)) {
                    for (Fixture.Prompt prompt : fixture.prompts()) {
                        double[] rows = divergences(logits(f16, prompt.ids()), logits(compressed, prompt.ids()));
                        Arrays.stream(prompt.positions()).forEach(position -> all.add(rows[position]));
                    }
                }
                double[] rows = all.stream().mapToDouble(Double::doubleValue).toArray();
                report(fixture + ", " + type + ", golden rows, steps of " + stepTokens, rows);
                assertTrue(mean(rows) <= meanBound(type), type + ": " + Arrays.toString(rows));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("fixtures")
    void longTextsStayCloseToThoseOfTheF16Cache(Fixture fixture) throws Exception {
        int[] tokens = text(LONG_TOKENS, 3);
        List<float[]> expected;
        try (Gemma4 f16 = load(fixture, KvType.F16, 512)) {
            expected = logits(f16, tokens);
        }
        for (KvType type : new KvType[] {KvType.Q8_0, KvType.TQ4}) {
            try (Gemma4 compressed = load(fixture, type, 512)) {
                double[] rows = divergences(expected, logits(compressed, tokens));
                double[] recent = Arrays.copyOf(rows, TAIL_TOKENS);
                double[] far = Arrays.copyOfRange(rows, LONG_TOKENS / 2, LONG_TOKENS);
                report(fixture + ", " + type + ", " + LONG_TOKENS + " tokens", rows);
                assertTrue(mean(rows) <= meanBound(type) && mean(far) <= meanBound(type), type + ": " + mean(rows) + ", of the second half " + mean(far));
                if (!fixture.name().startsWith(EXPERTS)) {
                    assertTrue(type != KvType.TQ4 || Arrays.stream(recent).max().orElseThrow() < 1e-4, "what the tail covers: " + Arrays.toString(recent));
                }
                assertTrue(mean(far) > 1e-5, "codes were read: " + mean(far));
            }
        }
    }

    private static int[] text(int length, long seed) {
        int[] tokens = new Random(seed).ints(length, 3, 1024).toArray();
        tokens[0] = 2;
        return tokens;
    }

    @ParameterizedTest
    @EnumSource
    void goingBackGivesWhatAFreshStartGives(KvType type) throws Exception {
        for (Fixture fixture : List.of(MiniModels.DENSE, MiniModels.ELASTIC)) {
            try (Gemma4 f16 = load(fixture, KvType.F16, 64); Gemma4 model = load(fixture, type, 64); Session session = model.newSession()) {
                int[] tokens = text(700, 5);
                session.feed(tokens);
                double sum = 0;
                // No further than the rings can.
                for (int kept : new int[] {690, 660, 650}) {
                    tokens = Arrays.copyOf(tokens, kept + 20);
                    System.arraycopy(text(21, kept), 1, tokens, kept, 20);
                    assertEquals(kept, session.text().keepPrefix(tokens), "as many as are the same");
                    session.feed(Arrays.copyOfRange(tokens, session.tokens(), tokens.length));
                    sum += Fixture.divergence(logits(f16, tokens).getLast(), session.logits().toArray());
                }
                assertTrue(sum / 3 <= 0.1, fixture + " " + sum / 3);
            }
        }
    }
}
