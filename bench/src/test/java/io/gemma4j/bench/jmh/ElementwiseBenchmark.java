package io.gemma4j.bench.jmh;

import io.gemma4j.backend.Activations;
import io.gemma4j.backend.Weight;
import io.gemma4j.gguf.GgmlType;
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

/** What goes through a row element by element: norm and activation function. */
@State(Scope.Benchmark)
@BenchmarkMode({Mode.Throughput, Mode.AverageTime})
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
public class ElementwiseBenchmark {
    /** Residuals of E2B and 31B, feed-forward of 31B. */
    @Param({"1536", "5376", "21504"})
    public int width;

    /** Rows at once. */
    @Param({"1", "128"})
    public int tokens;

    /** Threads; 0 for the default. */
    @Param("0")
    public int threads;

    private Device device;
    private Activations a;
    private Activations b;
    private Activations out;
    private Weight norm;

    /** Makes the rows and checks both operations. */
    @Setup(Level.Trial)
    public void open() {
        device = Device.processor(threads);
        a = device.activations(tokens, width);
        b = device.activations(tokens, width);
        out = device.zeros(tokens, width);
        norm = device.upload(device.matrix(GgmlType.F32, 1, width));
        device.operations().rmsNorm(a, null, 1, 1e-6f, out, tokens);
        double squares = 0;
        for (float value : device.read(out, tokens - 1)) {
            squares += (double) value * value;
        }
        Expected.require(Math.abs(squares / width - 1) < 1e-3, "a mean square of 1", squares / width);
        device.operations().geglu(a, b, out, tokens);
        float x = device.read(a, 0)[0];
        double gelu = 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
        float found = device.read(out, 0)[0];
        Expected.require(Math.abs(gelu * device.read(b, 0)[0] - found) < 1e-4, "gelu(" + x + ") times its factor", found);
    }

    /** Frees the memory. */
    @TearDown(Level.Trial)
    public void close() {
        device.close();
    }

    /** Root-mean-square norm. */
    @Benchmark
    public Activations rmsNorm(Bytes bytes) {
        device.operations().rmsNorm(a, norm, 1, 1e-6f, out, tokens);
        bytes.add(2L * Float.BYTES * tokens * width);
        return out;
    }

    /** Gated GELU. */
    @Benchmark
    public Activations geglu(Bytes bytes) {
        device.operations().geglu(a, b, out, tokens);
        bytes.add(3L * Float.BYTES * tokens * width);
        return out;
    }
}
