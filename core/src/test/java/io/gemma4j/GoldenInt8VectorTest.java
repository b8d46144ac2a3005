package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** With activations of 8 bits the logits are no further from the reference than llama.cpp's, which rounds them too. */
class GoldenInt8VectorTest {
    /** One at a time every product takes rounded activations; in steps of seven only those of a last token alone. */
    private static final int[] STEP_TOKENS = {1, 7};

    /** What llama.cpp reaches on the same files. */
    private static final Map<String, Distance> BOUNDS = Map.of(
            "dense-Q4_K_M", new Distance(0.0072, 0.074),
            "elastic-Q4_0", new Distance(0.0085, 0.089),
            "moe-Q4_K_M", new Distance(0.041, 0.19),
            "dense-mini-Q4_K_M", new Distance(0.015, 0.095),
            "elastic-mini-Q8_0", new Distance(0.0030, 0.047),
            "moe-mini-Q4_K_M", new Distance(0.0094, 0.075));

    /** The greatest over the rows of a file of the Kullback-Leibler divergence from the reference and of the relative L2 of the logits. */
    private record Distance(double divergence, double relativeL2) {

        Distance max(float[] logits, float[] reference) {
            return new Distance(Math.max(divergence, Fixture.divergence(reference, logits)), Math.max(relativeL2, Fixture.relativeL2(logits, reference)));
        }
    }

    @TestFactory
    Stream<DynamicTest> roundedActivationsStayAsCloseToTheReferenceAsLlamaCpp() {
        List<DynamicTest> tests = new ArrayList<>();
        for (Fixture fixture : Fixture.all()) {
            for (KvType kv : List.of(KvType.F32, KvType.F16)) {
                for (int stepTokens : STEP_TOKENS) {
                    tests.add(DynamicTest.dynamicTest(fixture + ", " + kv + " cache, steps of " + stepTokens, () -> compare(fixture, kv, stepTokens)));
                }
            }
        }
        return tests.stream();
    }

    private static void compare(Fixture fixture, KvType kv, int stepTokens) throws Exception {
        Distance bound = BOUNDS.get(fixture.name());
        Distance worst = new Distance(0, 0);
        LoadOptions options = LoadOptions.defaults().backend(Backend.CPU).threads(2).cpuKernels(CpuKernels.INT8).kvType(kv)
                .prefillTokens(stepTokens).contextTokens(256);
        try (Gemma4 model = Gemma4.load(fixture.model(), options)) {
            assertTrue(model.info().backend().contains("8-bit activations"), model.info().backend());
            for (Fixture.Prompt prompt : fixture.prompts()) {
                List<float[]> logits = new ArrayList<>();
                try (Session session = model.newSession()) {
                    session.feed(prompt.ids(), after -> logits.add(after.toArray()));
                }
                assertEquals(prompt.ids().length, logits.size());
                for (int i = 0; i < prompt.positions().length; i++) {
                    worst = worst.max(logits.get(prompt.positions()[i]), prompt.logits()[i]);
                }
            }
        }
        System.out.printf("golden %s 8-bit activations %s steps of %d: worst divergence %.2e of %.2e, relative L2 %.2e of %.2e%n", fixture, kv, stepTokens,
                worst.divergence(), bound.divergence(), worst.relativeL2(), bound.relativeL2());
        assertTrue(worst.divergence() <= bound.divergence() && worst.relativeL2() <= bound.relativeL2(),
                "more than " + bound);
    }
}
