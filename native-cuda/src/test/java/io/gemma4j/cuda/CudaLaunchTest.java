package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.gemma4j.KvType;
import io.gemma4j.SamplingOptions;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.Step;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.model.DrawnTokens;
import io.gemma4j.model.Gemma4Config;
import io.gemma4j.model.Gemma4Decoder;
import io.gemma4j.model.Gemma4Weights;
import io.gemma4j.sampling.Sampler;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Steps that are recorded or not, of kernels that overlap or do not. */
@Gpu
class CudaLaunchTest {
    private static final int TOKENS = 60;
    private static final int PROMPT_TOKENS = 20;
    private static final BooleanSupplier NEVER = () -> false;

    @TestFactory
    Stream<DynamicTest> theSameTokensWithAndWithoutRecordingAndOverlap() {
        return GoldenModel.all().map(golden -> DynamicTest.dynamicTest(golden.toString(), () -> {
            int[] plain = greedyTokens(golden, false, false);
            assertArrayEquals(plain, greedyTokens(golden, true, false), "overlapping");
            assertArrayEquals(plain, greedyTokens(golden, false, true), "recorded");
            assertArrayEquals(plain, greedyTokens(golden, true, true), "recorded and overlapping");
        }));
    }

    private static int[] greedyTokens(GoldenModel golden, boolean overlapping, boolean repeating) throws IOException {
        try (Arena arena = Arena.ofShared();
                ModelBackend backend = new CudaBackend(new CudaContext(CudaDevice.of(0)), KernelLibrary.origin(), overlapping, repeating)) {
            GgufFile file = GgufFile.open(golden.file(), arena);
            Gemma4Config config = Gemma4Config.of(file);
            Gemma4Weights weights = Gemma4Weights.of(file, config, backend::upload);
            Gemma4Decoder decoder = new Gemma4Decoder(config, weights, backend, backend.maxStepRows(32, Gemma4Decoder.scratchBytesPerRow(config)));
            int[] prompt = Arrays.copyOf(golden.prompts().getLast().ids(), PROMPT_TOKENS);
            Sampler sampler = new Sampler(SamplingOptions.greedy(), config.vocabulary());
            Arrays.stream(prompt).forEach(sampler::accept);
            int[] tokens = new int[TOKENS];
            try (KvCache cache = decoder.newCache(PROMPT_TOKENS + TOKENS, KvType.F16);
                    DrawnTokens drawn = decoder.drawnTokens(cache, sampler).orElseThrow()) {
                drawn.queue(Step.of(cache, prompt, Step.LogitRows.LAST), NEVER);
                for (int i = 0; i < TOKENS; i++) {
                    drawn.queueNext(NEVER);
                    tokens[i] = drawn.take();
                }
            }
            return tokens;
        }
    }
}
