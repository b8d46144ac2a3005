package io.gemma4j.metal;

import static io.gemma4j.metal.Closeness.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.SamplingOptions;
import io.gemma4j.metal.KernelBench.Run;
import io.gemma4j.metal.fake.MetalDriver;
import io.gemma4j.sampling.Sampler;
import io.gemma4j.sampling.SplitMix64;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(MetalDriver.class)
class MetalSamplingTest {

    private static int sample(KernelBench bench, MetalSampling sampling, float[] logits, SamplingOptions options, double uniform) {
        MetalSampling.Target target = new MetalSampling.Target(bench.ints(77), bench.ints(77));
        sampling.sample(bench.stream, bench.floats(logits), options, uniform, target);
        int token = bench.resultInts(target.result())[0];
        assertEquals(Math.max(token, 0), bench.resultInts(target.nextInput())[0], "what the next step reads stays inside the vocabulary");
        return token;
    }

    private static MetalSampling open(KernelBench bench, int vocabulary) {
        return bench.closing(new MetalSampling(bench.device, bench.kernels, vocabulary));
    }

    private static SamplingOptions options(long seed) {
        return SamplingOptions.defaults().seed(seed);
    }

    @Test
    void greedyTakesTheFirstOfTheHighestLogits() {
        for (Run run : Run.all()) {
            for (int vocabulary : new int[] {1, 31, 2048, 5001}) {
                try (KernelBench bench = KernelBench.open(run, vocabulary)) {
                    float[] logits = bench.gaussians(vocabulary);
                    int first = vocabulary / 3;
                    logits[first] = 9;
                    logits[vocabulary - 1] = 9;
                    assertEquals(first, sample(bench, open(bench, vocabulary), logits, SamplingOptions.greedy(), 0), run + ", " + vocabulary + " tokens");
                }
            }
        }
    }

    @Test
    void aDrawIsThatOfTheSampler() {
        for (Run run : Run.all()) {
            int[] vocabularies = run == Run.CHECKED ? new int[] {70, 2100} : new int[] {3, 70, 2100, 70_000};
            for (int vocabulary : vocabularies) {
                try (KernelBench bench = KernelBench.open(run, vocabulary)) {
                    MetalSampling sampling = open(bench, vocabulary);
                    for (int draw = 0; draw < 4; draw++) {
                        float[] logits = bench.gaussians(vocabulary);
                        for (int i = 0; i < vocabulary; i += 5) {
                            logits[i] = Math.round(4 * logits[i]) / 4f;
                        }
                        long seed = bench.random.nextLong();
                        SamplingOptions options = options(seed).topK(1 + bench.random.nextInt(64)).temperature(0.3f + 2 * bench.random.nextFloat())
                                .topP(draw % 2 == 0 ? 1 : 0.5f + bench.random.nextFloat() / 2).minP(draw < 2 ? 0 : bench.random.nextFloat() / 5);
                        int expected = new Sampler(options, vocabulary).sample(logits);
                        assertEquals(expected, sample(bench, sampling, logits, options, SplitMix64.uniform(seed, 0)), run + " " + options);
                    }
                }
            }
        }
    }

    @Test
    void infiniteLogitsAreDrawnAsEquals() {
        try (KernelBench bench = KernelBench.open(Run.FIFO, 5)) {
            float[] logits = bench.gaussians(100);
            logits[20] = Float.POSITIVE_INFINITY;
            logits[70] = Float.POSITIVE_INFINITY;
            MetalSampling sampling = open(bench, 100);
            assertEquals(20, sample(bench, sampling, logits, options(1).topK(10), 0.49));
            assertEquals(70, sample(bench, sampling, logits, options(1).topK(10), 0.51));
        }
    }

    @Test
    void logitsThatNoTokenCanBeDrawnFromGiveAnErrorCode() {
        try (KernelBench bench = KernelBench.open(Run.FIFO, 6)) {
            MetalSampling sampling = open(bench, 3000);
            float[] logits = new float[3000];
            for (SamplingOptions options : new SamplingOptions[] {SamplingOptions.greedy(), options(1).topK(5)}) {
                Arrays.fill(logits, Float.NEGATIVE_INFINITY);
                assertEquals(MetalSampling.NONE_POSSIBLE, sample(bench, sampling, logits, options, 0.5));
                logits[2999] = Float.NaN;
                logits[5] = 1;
                assertEquals(MetalSampling.NOT_A_NUMBER, sample(bench, sampling, logits, options, 0.5));
            }
        }
    }

    @Test
    void whatNeedsAllTokensIsRefused() {
        assertTrue(MetalSampling.supports(options(1).topK(64)));
        assertFalse(MetalSampling.supports(options(1).topK(65)));
        assertFalse(MetalSampling.supports(options(1).topK(0)));
        assertFalse(MetalSampling.supports(options(1).topK(5).typicalP(0.5f)));
        try (KernelBench bench = KernelBench.open(Run.FIFO, 7)) {
            MetalSampling sampling = open(bench, 10);
            assertThrows(IllegalArgumentException.class, () -> sample(bench, sampling, new float[10], options(1).topK(0), 0.5));
        }
    }

    @Test
    void onlyAllowedTokensKeepTheirLogits() {
        for (Run run : Run.all()) {
            for (int vocabulary : new int[] {1, 31, 70, 2100}) {
                try (KernelBench bench = KernelBench.open(run, vocabulary)) {
                    float[] logits = bench.gaussians(vocabulary);
                    logits[vocabulary / 2] = Float.NaN;
                    float[] bias = bench.gaussians(vocabulary);
                    long[] mask = LongStream.generate(bench.random::nextLong).limit(Math.ceilDiv(vocabulary, Long.SIZE)).toArray();
                    BufferSlice allowed = bench.ints(LongStream.of(mask).flatMap(word -> LongStream.of(word, word >>> 32)).mapToInt(half -> (int) half).toArray());
                    MetalSampling sampling = open(bench, vocabulary);
                    BufferSlice out = bench.floats(new float[vocabulary]);
                    sampling.adjust(bench.stream, bench.floats(logits), bench.floats(bias), null, allowed, SamplingOptions.greedy(), out);
                    float[] found = bench.result(out);
                    sampling.adjust(bench.stream, bench.floats(logits), null, null, allowed, SamplingOptions.greedy(), out);
                    float[] unbiased = bench.result(out);
                    for (int token = 0; token < vocabulary; token++) {
                        boolean banned = (mask[token / Long.SIZE] >>> token & 1) == 0;
                        assertEquals(banned ? Float.NEGATIVE_INFINITY : logits[token] + bias[token], found[token], run + ", token " + token);
                        assertEquals(banned ? Float.NEGATIVE_INFINITY : logits[token], unbiased[token], run + ", token " + token);
                    }
                }
            }
        }
    }

    @Test
    void biasAndPenaltiesChangeLogitsAsTheSamplerDoes() {
        for (Run run : Run.all()) {
            for (int windowTokens : new int[] {-1, 6}) {
                try (KernelBench bench = KernelBench.open(run, 8)) {
                    int vocabulary = 300;
                    SamplingOptions options = SamplingOptions.greedy().penaltyTokens(windowTokens).repetitionPenalty(1.3f).frequencyPenalty(0.5f)
                            .presencePenalty(0.25f).logitBias(Map.of(7, 2.5f, 9, Float.NEGATIVE_INFINITY));
                    float[] logits = bench.gaussians(vocabulary);
                    int[] text = {5, 6, 5, 7, 9, 200, 5, 11, 200, 200};
                    float[] bias = new float[vocabulary];
                    options.logitBias().forEach((token, value) -> bias[token] = value);

                    MetalSampling sampling = open(bench, vocabulary);
                    BufferSlice counts = bench.ints(new int[vocabulary]);
                    BufferSlice window = windowTokens < 0 ? null : bench.ints(new int[windowTokens]);
                    sampling.accept(bench.stream, bench.ints(Arrays.copyOf(text, 4)), 4, 0, counts, window);
                    for (int i = 4; i < text.length; i++) {
                        sampling.accept(bench.stream, bench.ints(text[i]), 1, i, counts, window);
                    }
                    BufferSlice out = bench.floats(new float[vocabulary]);
                    sampling.adjust(bench.stream, bench.floats(logits), bench.floats(bias), counts, null, options, out);
                    float[] adjusted = bench.result(out);

                    int[] past = windowTokens < 0 ? text : Arrays.copyOfRange(text, text.length - windowTokens, text.length);
                    double[] expected = IntStream.range(0, vocabulary).mapToDouble(token -> {
                        double logit = logits[token] + bias[token];
                        long count = IntStream.of(past).filter(each -> each == token).count();
                        return count == 0 ? logit : (logit > 0 ? logit / 1.3f : logit * 1.3f) - (count * 0.5 + 0.25);
                    }).toArray();
                    assertEquals(Float.NEGATIVE_INFINITY, adjusted[9]);
                    adjusted[9] = 0;
                    expected[9] = 0;
                    assertClose(expected, adjusted, 1e-6, run + ", window " + windowTokens);
                }
            }
        }
    }
}
