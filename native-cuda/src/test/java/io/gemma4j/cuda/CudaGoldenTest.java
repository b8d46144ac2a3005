package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Backend;
import io.gemma4j.Gemma4;
import io.gemma4j.KvType;
import io.gemma4j.LoadOptions;
import io.gemma4j.Session;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

@Gpu
class CudaGoldenTest {
    /** Errors that compressed caches may have, as multiples of those of others. */
    private static final double COMPRESSED = 1.5;

    @TestFactory
    Stream<DynamicTest> logitsAreAsNearToTheReferenceAsThoseOfLlamaCpp() {
        return GoldenModel.all().flatMap(golden -> Stream.of(KvType.values()).flatMap(kv -> IntStream.of(1, 7, 512)
                .mapToObj(stepTokens -> DynamicTest.dynamicTest(golden + ", " + kv + " cache, steps of " + stepTokens,
                        () -> compare(golden, kv, stepTokens)))));
    }

    private static void compare(GoldenModel golden, KvType kv, int stepTokens) throws Exception {
        LoadOptions options = LoadOptions.defaults().backend(Backend.CUDA).kvType(kv).prefillTokens(stepTokens).contextTokens(256);
        double worstL2 = 0;
        double worstKl = 0;
        try (Gemma4 model = Gemma4.load(golden.file(), options)) {
            for (GoldenModel.Prompt prompt : golden.prompts()) {
                List<float[]> logits = new ArrayList<>();
                float[] last;
                try (Session session = model.newSession()) {
                    session.feed(prompt.ids(), after -> logits.add(after.toArray()));
                }
                try (Session session = model.newSession()) {
                    last = session.feed(prompt.ids()).logits().toArray();
                }
                assertEquals(prompt.ids().length, logits.size());
                for (int i = 0; i < prompt.positions().length; i++) {
                    float[] actual = logits.get(prompt.positions()[i]);
                    worstL2 = max(worstL2, GoldenModel.relativeL2(actual, prompt.logits()[i]));
                    worstKl = max(worstKl, GoldenModel.kl(actual, prompt.logits()[i]));
                }
                // Rows that want no logits are dropped on the way: those that do must not notice.
                worstL2 = max(worstL2, GoldenModel.relativeL2(last, prompt.logits()[prompt.positions().length - 1]));
            }
        }
        System.out.printf("golden %s %s steps of %d: worst relative L2 %.2e, worst KL %.2e%n", golden, kv, stepTokens, worstL2, worstKl);
        double maxL2 = golden.maxRelativeL2() * (kv.compressed() ? COMPRESSED : 1);
        double maxKl = golden.maxKl() * (kv.compressed() ? COMPRESSED : 1);
        assertTrue(worstL2 <= maxL2, "relative L2 must be at most " + maxL2 + ", is " + worstL2);
        assertTrue(worstKl <= maxKl, "KL must be at most " + maxKl + ", is " + worstKl);
    }

    private static double max(double worst, double error) {
        return Double.isNaN(error) ? Double.POSITIVE_INFINITY : Math.max(worst, error);
    }
}
