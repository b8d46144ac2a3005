package io.gemma4j.metal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.CpuKernels;
import io.gemma4j.KvType;
import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.Step;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.metal.fake.MetalDriver;
import io.gemma4j.model.Gemma4Config;
import io.gemma4j.model.Gemma4Decoder;
import io.gemma4j.model.Gemma4Weights;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Steps of several sequences, and steps that are given up. */
@ExtendWith(MetalDriver.class)
class MetalStepTest {
    private static final Path FIXTURES = Path.of("../core/src/test/resources/fixtures");
    private static final int STEP_ROWS = 16;
    // Other tile shapes for other numbers of rows: sums in another order, weights rounded to 11 bits or not.
    private static final double BOUND = 1e-2;

    @FunctionalInterface
    private interface Use {
        void with(Gemma4Decoder decoder) throws Exception;
    }

    private static void decoder(String model, Use use) throws Exception {
        try (Arena arena = Arena.ofShared(); ModelBackend backend = new MetalBackendProvider().open(new BackendOptions(0, CpuKernels.AUTO))) {
            GgufFile file = GgufFile.open(FIXTURES.resolve(model + ".gguf"), arena);
            Gemma4Config config = Gemma4Config.of(file);
            Gemma4Weights weights = Gemma4Weights.of(file, config, backend::upload);
            int rows = backend.maxStepRows(STEP_ROWS, Gemma4Decoder.scratchBytesPerRow(config));
            assertEquals(STEP_ROWS, rows);
            use.with(new Gemma4Decoder(config, weights, backend, rows));
        }
    }

    private static List<float[]> run(Gemma4Decoder decoder, Step step) {
        List<float[]> logits = new ArrayList<>();
        decoder.run(step, () -> false, (row, values) -> logits.add(values.clone()));
        return logits;
    }

    private static KvCache cache(Gemma4Decoder decoder, KvType kv) {
        return decoder.newCache(64, kv);
    }

    @ParameterizedTest
    @CsvSource({"dense-mini-Q4_K_M, F16", "elastic-mini-Q8_0, F16", "moe-mini-Q4_K_M, F16", "dense-mini-Q4_K_M, TQ4"})
    void sequencesInOneStepGetWhatEachGetsAlone(String model, KvType kv) throws Exception {
        int[] first = {2, 10, 11, 12, 13};
        int[] second = {2, 20, 21};
        int[] third = {2, 30, 31, 32};
        decoder(model, decoder -> {
            List<float[]> expected = new ArrayList<>();
            try (KvCache a = cache(decoder, kv); KvCache b = cache(decoder, kv); KvCache c = cache(decoder, kv)) {
                run(decoder, Step.of(a, new int[] {2, 9}, Step.LogitRows.NONE));
                expected.addAll(run(decoder, Step.of(a, first, Step.LogitRows.ALL)));
                run(decoder, Step.of(b, second, Step.LogitRows.NONE));
                expected.addAll(run(decoder, Step.of(c, third, Step.LogitRows.LAST)));
                expected.addAll(run(decoder, Step.of(b, new int[] {22}, Step.LogitRows.LAST)));
            }
            List<float[]> actual = new ArrayList<>();
            try (KvCache a = cache(decoder, kv); KvCache b = cache(decoder, kv); KvCache c = cache(decoder, kv)) {
                run(decoder, Step.of(a, new int[] {2, 9}, Step.LogitRows.NONE));
                actual.addAll(run(decoder, Step.of(List.of(new Step.Sequence(a, first, Step.LogitRows.ALL),
                        new Step.Sequence(b, second, Step.LogitRows.NONE), new Step.Sequence(c, third, Step.LogitRows.LAST)))));
                actual.addAll(run(decoder, Step.of(b, new int[] {22}, Step.LogitRows.LAST)));
            }
            assertEquals(expected.size(), actual.size());
            for (int i = 0; i < expected.size(); i++) {
                double error = GoldenModel.relativeL2(actual.get(i), expected.get(i));
                assertTrue(error <= BOUND, "row " + i + ": relative L2 " + error + ", at most " + BOUND);
            }
        });
    }

    @Test
    void aStepThatIsCancelledHasNotHappened() throws Exception {
        int[] tokens = {2, 10, 11, 12};
        decoder("dense-mini-Q4_K_M", decoder -> {
            try (KvCache cancelled = cache(decoder, KvType.F16); KvCache never = cache(decoder, KvType.F16)) {
                int[] asked = {0};
                Step step = Step.of(cancelled, tokens, Step.LogitRows.LAST);
                assertThrows(CancellationException.class, () -> decoder.run(step, () -> ++asked[0] == 4, (row, values) -> {}));
                float[] after = run(decoder, Step.of(cancelled, tokens, Step.LogitRows.LAST)).getFirst();
                float[] expected = run(decoder, Step.of(never, tokens, Step.LogitRows.LAST)).getFirst();
                assertEquals(0, GoldenModel.relativeL2(after, expected));
            }
        });
    }
}
