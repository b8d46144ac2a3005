package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gemma4j.Backend;
import io.gemma4j.Gemma4;
import io.gemma4j.KvType;
import io.gemma4j.LoadOptions;
import io.gemma4j.SamplingOptions;
import io.gemma4j.Session;
import io.gemma4j.sampling.Sampler;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** A short prompt and a few tokens of every kind of model, through all kernels of it: short enough to be watched by a sanitizer. */
@Gpu
class CudaFirstTokensTest {
    private static final int PROMPT_TOKENS = 40;
    private static final int TOKENS = 4;

    @TestFactory
    Stream<DynamicTest> tokensDrawnOnTheDeviceAreTheMostLikelyOnes() {
        return GoldenModel.bundled().flatMap(golden -> Stream.of(KvType.F16, KvType.Q8_0, KvType.TQ4)
                .map(kv -> DynamicTest.dynamicTest(golden + ", " + kv, () -> compare(golden, kv))));
    }

    private static void compare(GoldenModel golden, KvType kv) throws Exception {
        int[] prompt = Arrays.copyOf(golden.prompts().getLast().ids(), PROMPT_TOKENS);
        LoadOptions options = LoadOptions.defaults().backend(Backend.CUDA).kvType(kv).contextTokens(64).prefillTokens(64);
        try (Gemma4 model = Gemma4.load(golden.file(), options); Session host = model.newSession(); Session device = model.newSession()) {
            List<Integer> drawn = new ArrayList<>();
            device.feed(prompt).generate(SamplingOptions.greedy(), TOKENS, drawn::add);
            List<Integer> expected = new ArrayList<>();
            float[] logits = host.feed(prompt).logits().toArray();
            Sampler sampler = new Sampler(SamplingOptions.greedy(), logits.length);
            while (expected.size() < TOKENS) {
                expected.add(sampler.sample(logits));
                logits = host.feed(expected.getLast()).logits().toArray();
            }
            assertEquals(expected, drawn);
        }
    }
}
