package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Backend;
import io.gemma4j.CpuKernels;
import io.gemma4j.Gemma4;
import io.gemma4j.KvType;
import io.gemma4j.LoadOptions;
import io.gemma4j.Session;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Steps of one token at the lengths where splits of keys and windows begin and end, and far into a text, against the CPU. */
@Gpu
class CudaContextTest {
    private static final int LONGEST = 4096;
    private static final int DRIFT_TOKENS = 2000;
    // Inputs of products rounded to 8 bits instead of none, through all layers.
    private static final double BOUND = 1e-1;

    private static LoadOptions options(Backend backend) {
        return LoadOptions.defaults().backend(backend).cpuKernels(CpuKernels.VECTOR).kvType(KvType.F16).contextTokens(LONGEST).prefillTokens(512);
    }

    private static int[] tokens(Gemma4 model, int count) {
        return new Random(6).ints(count, 10, model.tokenizer().vocabularySize()).toArray();
    }

    @TestFactory
    Stream<DynamicTest> aTokenAfterAnyNumberOfTokensAgreesWithTheCpu() {
        return GoldenModel.bundled().map(golden -> DynamicTest.dynamicTest(golden.toString(), () -> {
            try (Gemma4 device = Gemma4.load(golden.file(), options(Backend.CUDA)); Gemma4 cpu = Gemma4.load(golden.file(), options(Backend.CPU));
                    Session here = device.newSession(); Session there = cpu.newSession()) {
                int[] tokens = tokens(cpu, LONGEST);
                for (int held : lengths(golden)) {
                    compare(golden, here, there, tokens, held);
                }
            }
        }));
    }

    /** Around the ends of a split, of the windows, of a ring, and far beyond. */
    private static List<Integer> lengths(GoldenModel golden) throws IOException {
        int window = golden.window();
        List<Integer> lengths = new ArrayList<>(List.of(1, 15, 16, 17, 63, 64, 65, window - 1, window, window + 1, 1023, 1024, 1025, LONGEST - 1));
        return lengths.stream().distinct().sorted().toList();
    }

    /** Grows both texts to {@code held} tokens and feeds one more by itself. */
    private static void compare(GoldenModel golden, Session here, Session there, int[] tokens, int held) {
        for (Session session : List.of(here, there)) {
            if (session.tokens() < held) {
                session.feed(Arrays.copyOfRange(tokens, session.tokens(), held));
            }
        }
        if (here.tokens() > held) {
            return; // the token before was the last of this length
        }
        double error = GoldenModel.relativeL2(here.feed(tokens[held]).logits().toArray(), there.feed(tokens[held]).logits().toArray());
        assertTrue(error <= BOUND, golden + " after " + held + " tokens: relative L2 " + error + ", at most " + BOUND);
    }

    @TestFactory
    Stream<DynamicTest> tokensFedOneByOneDoNotDriftFromTheCpu() {
        return GoldenModel.bundled().map(golden -> DynamicTest.dynamicTest(golden.toString(), () -> {
            try (Gemma4 device = Gemma4.load(golden.file(), options(Backend.CUDA)); Gemma4 cpu = Gemma4.load(golden.file(), options(Backend.CPU));
                    Session here = device.newSession(); Session there = cpu.newSession()) {
                int[] tokens = tokens(cpu, DRIFT_TOKENS);
                List<float[]> expected = new ArrayList<>();
                there.feed(tokens, logits -> expected.add(expected.size() % 100 == 99 ? logits.toArray() : null));
                for (int i = 0; i < DRIFT_TOKENS; i++) {
                    here.feed(tokens[i]);
                    if (expected.get(i) != null) {
                        double error = GoldenModel.relativeL2(here.logits().toArray(), expected.get(i));
                        assertTrue(error <= BOUND, golden + ", token " + i + ": relative L2 " + error + ", at most " + BOUND);
                    }
                }
            }
        }));
    }
}
