package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Interpreted code, as the first steps of a process run, and compiled code, as later ones do, give the same logits to the last bit. */
class RepeatabilityVectorTest {
    private static final int REPETITIONS = 40;

    @ParameterizedTest
    @EnumSource(names = {"VECTOR", "INT8"})
    void logitsDoNotDependOnWhatIsCompiledNorOnThreads(CpuKernels kernels) throws Exception {
        for (Fixture fixture : List.of(Fixture.bundled("dense-mini-Q4_K_M"), Fixture.bundled("elastic-mini-Q8_0"))) {
            int[] prompt = fixture.prompts().getLast().ids();
            float[] first = null;
            for (int threads = 1; threads <= 2; threads++) {
                LoadOptions options = LoadOptions.defaults().backend(Backend.CPU).threads(threads).cpuKernels(kernels).contextTokens(256);
                try (Gemma4 model = Gemma4.load(fixture.model(), options); Session session = model.newSession()) {
                    for (int i = 0; i < REPETITIONS; i++) {
                        session.clear();
                        session.feed(prompt);
                        float[] logits = session.feed(prompt[1]).logits().toArray();
                        first = first == null ? logits : first;
                        assertArrayEquals(first, logits, 0, fixture + ", repetition " + i + " on " + threads + " threads");
                    }
                }
            }
        }
    }
}
