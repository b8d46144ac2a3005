package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Backend;
import io.gemma4j.CpuKernels;
import io.gemma4j.Gemma4;
import io.gemma4j.KvType;
import io.gemma4j.LoadOptions;
import io.gemma4j.Session;
import java.io.IOException;
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
    private static final int DRIFT_PART = 500;
    /** Inputs of products rounded to 8 bits, on one of the two only, through all layers; models without experts, whose choice may tip. */
    private static final double BOUND = .25;
    /** Of half of the tokens. Single ones may be further off: rounding can tip the choice of an expert. */
    private static final double MEDIAN_BOUND = .1;
    /** Of the median error of the last tokens and that of the first. */
    private static final double DRIFT_FACTOR = 1.5;

    private static LoadOptions options(Backend backend) {
        return LoadOptions.defaults().backend(backend).cpuKernels(CpuKernels.VECTOR).kvType(KvType.F16).contextTokens(LONGEST).prefillTokens(512);
    }

    private static int[] tokens(Gemma4 model, int count) {
        return new Random(6).ints(count, 10, model.tokenizer().vocabularySize()).toArray();
    }

    @TestFactory
    Stream<DynamicTest> aTokenAfterAnyNumberOfTokensAgreesWithTheCpu() {
        return GoldenModel.bundled().filter(golden -> !golden.name().startsWith("moe")).map(golden -> DynamicTest.dynamicTest(golden.toString(), () -> {
            try (Gemma4 device = Gemma4.load(golden.file(), options(Backend.CUDA)); Gemma4 cpu = Gemma4.load(golden.file(), options(Backend.CPU));
                    Session here = device.newSession(); Session there = cpu.newSession()) {
                int[] tokens = tokens(cpu, LONGEST);
                for (int held : lengths(golden)) {
                    for (Session session : List.of(here, there)) {
                        if (session.tokens() < held) {
                            session.feed(Arrays.copyOfRange(tokens, session.tokens(), held));
                        }
                        session.feed(tokens[held]);
                    }
                    double error = GoldenModel.relativeL2(here.logits().toArray(), there.logits().toArray());
                    assertTrue(error <= BOUND, held + " tokens before: relative L2 " + error + ", at most " + BOUND);
                }
            }
        }));
    }

    /** Around the ends of a split, of the windows, of a ring, and far beyond; ascending. */
    private static List<Integer> lengths(GoldenModel golden) throws IOException {
        int window = golden.window();
        return Stream.of(1, 15, 16, 17, 63, 64, 65, window - 1, window, window + 1, 1023, 1024, 1025, LONGEST - 1).distinct().sorted().toList();
    }

    @TestFactory
    Stream<DynamicTest> tokensFedOneByOneDoNotDriftFromTheCpu() {
        return GoldenModel.bundled().map(golden -> DynamicTest.dynamicTest(golden.toString(), () -> {
            double[] errors = new double[DRIFT_TOKENS];
            try (Gemma4 device = Gemma4.load(golden.file(), options(Backend.CUDA)); Gemma4 cpu = Gemma4.load(golden.file(), options(Backend.CPU));
                    Session here = device.newSession(); Session there = cpu.newSession()) {
                int[] tokens = tokens(cpu, DRIFT_TOKENS);
                int[] fed = {0};
                there.feed(tokens, expected -> {
                    int i = fed[0]++;
                    errors[i] = GoldenModel.relativeL2(here.feed(tokens[i]).logits().toArray(), expected.toArray());
                });
            }
            double all = median(errors, 0, DRIFT_TOKENS);
            assertTrue(all <= MEDIAN_BOUND, "median relative L2 " + all + ", at most " + MEDIAN_BOUND);
            double first = median(errors, 0, DRIFT_PART);
            double last = median(errors, DRIFT_TOKENS - DRIFT_PART, DRIFT_TOKENS);
            assertTrue(last <= DRIFT_FACTOR * first, "median relative L2 of the first tokens " + first + ", of the last " + last);
        }));
    }

    private static double median(double[] values, int from, int to) {
        double[] sorted = Arrays.copyOfRange(values, from, to);
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
