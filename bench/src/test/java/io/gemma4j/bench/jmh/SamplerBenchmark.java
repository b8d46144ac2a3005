package io.gemma4j.bench.jmh;

import io.gemma4j.SamplingOptions;
import io.gemma4j.sampling.Sampler;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** A draw from the logits of the published vocabulary. */
@State(Scope.Benchmark)
@BenchmarkMode({Mode.Throughput, Mode.AverageTime})
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
public class SamplerBenchmark {
    private static final int VOCABULARY = 262_144;

    /** The options of a draw. */
    public enum Chain {
        /** The most likely token. */
        GREEDY,
        /** What the model's makers recommend. */
        DEFAULTS,
        /** Every token may be drawn. */
        TEMPERATURE_ONLY
    }

    /** The options of a draw. */
    @Param({"GREEDY", "DEFAULTS", "TEMPERATURE_ONLY"})
    public Chain chain;

    private final float[] original = new float[VOCABULARY];
    private final float[] logits = new float[VOCABULARY];
    private Sampler sampler;

    /** Makes the logits and checks a draw. */
    @Setup(Level.Trial)
    public void open() {
        SplittableRandom random = new SplittableRandom(1);
        int best = 0;
        for (int i = 0; i < VOCABULARY; i++) {
            original[i] = (float) (3 * random.nextGaussian());
            best = original[i] > original[best] ? i : best;
        }
        SamplingOptions options = switch (chain) {
            case GREEDY -> SamplingOptions.greedy();
            case DEFAULTS -> SamplingOptions.defaults();
            case TEMPERATURE_ONLY -> SamplingOptions.defaults().topK(0).topP(1);
        };
        sampler = new Sampler(options.seed(1), VOCABULARY);
        int token = draw();
        Expected.require(token >= 0 && token < VOCABULARY && (chain != Chain.GREEDY || token == best), "a token", token);
    }

    private int draw() {
        // A draw may change its logits.
        System.arraycopy(original, 0, logits, 0, VOCABULARY);
        return sampler.sample(logits);
    }

    /** One draw, with a copy of the logits. */
    @Benchmark
    public int sample(Bytes bytes) {
        bytes.add((long) Float.BYTES * VOCABULARY);
        return draw();
    }
}
