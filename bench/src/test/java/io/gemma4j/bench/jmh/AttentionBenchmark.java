package io.gemma4j.bench.jmh;

import io.gemma4j.KvType;
import io.gemma4j.backend.Activations;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.Step;
import io.gemma4j.backend.Step.LogitRows;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Attention of one token or many over a cache, with the heads of real layers. */
@State(Scope.Benchmark)
@BenchmarkMode({Mode.Throughput, Mode.AverageTime})
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
public class AttentionBenchmark {
    /** Query heads, key/value heads and their elements: sliding and full layers of E2B and 31B. */
    @Param({"8/1x256", "8/1x512", "32/16x256", "32/4x512"})
    public String heads;

    /** Positions a query sees, and the cache holds. */
    @Param({"512", "8192"})
    public int window;

    /** Queries at once. */
    @Param({"1", "64"})
    public int tokens;

    /** Threads; 0 for the default. */
    @Param("0")
    public int threads;

    private Device device;
    private int queryHeads;
    private KvCache cache;
    private Step step;
    private Activations queries;
    private Activations out;
    private long cacheBytes;

    /** Fills the cache and checks that the weights of the values sum to one. */
    @Setup(Level.Trial)
    public void open() {
        String[] numbers = heads.split("[/x]");
        queryHeads = Integer.parseInt(numbers[0]);
        int kvHeads = Integer.parseInt(numbers[1]);
        int headDim = Integer.parseInt(numbers[2]);
        int context = window + tokens;
        device = Device.processor(threads);
        KvLayerLayout layout = new KvLayerLayout(0, kvHeads, headDim, context, KvType.F16);
        cache = device.cache(layout, context, window);
        step = Step.of(cache, new int[tokens], LogitRows.NONE);
        queries = device.activations(tokens, queryHeads * headDim);
        out = device.zeros(tokens, queryHeads * headDim);
        Activations keys = device.activations(tokens, kvHeads * headDim);
        device.operations().kvUpdate(keys, keys, step, 0);
        device.operations().attention(queries, step, 0, queryHeads, window, out);
        float[] result = device.read(out, tokens - 1);
        float largest = 0;
        double squares = 0;
        for (float value : result) {
            largest = Math.max(largest, Math.abs(value));
            squares += (double) value * value;
        }
        Expected.require(squares > 0 && largest <= Math.sqrt(3) * 1.001, "averages of values up to the square root of 3", largest);
        cacheBytes = 2L * window * kvHeads * KvType.F16.headBytes(headDim);
    }

    /** Frees the memory. */
    @TearDown(Level.Trial)
    public void close() {
        cache.close();
        device.close();
    }

    /** All heads of one layer. */
    @Benchmark
    public Activations attention(Bytes bytes) {
        device.operations().attention(queries, step, 0, queryHeads, window, out);
        bytes.add(cacheBytes);
        return out;
    }
}
