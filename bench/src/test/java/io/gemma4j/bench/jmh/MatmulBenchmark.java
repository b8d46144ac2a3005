package io.gemma4j.bench.jmh;

import io.gemma4j.backend.Activations;
import io.gemma4j.backend.Weight;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.QuantizedTensor;
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

/** Products with one vector, as in decoding, and with many, as in prompts. Shapes are {@code columns x rows}: inputs times outputs. */
@State(Scope.Benchmark)
@BenchmarkMode({Mode.Throughput, Mode.AverageTime})
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
public class MatmulBenchmark {
    /** Storage types of real files. */
    @Param({"Q4_K", "Q6_K", "Q8_0", "Q4_0", "Q5_0", "F16"})
    public GgmlType type;

    /** Feed-forward of 31B and E2B, wide feed-forward of E2B, head of E2B. */
    @Param({"5376x21504", "21504x5376", "1536x6144", "6144x1536", "12288x1536", "1536x262144"})
    public String shape;

    /** Vectors at once. */
    @Param({"1", "128"})
    public int tokens;

    /** Threads; 0 for the default. */
    @Param("0")
    public int threads;

    private Device device;
    private Weight weight;
    private long weightBytes;
    private Activations in;
    private Activations out;

    /** Makes the matrix and checks the product. */
    @Setup(Level.Trial)
    public void open() {
        int columns = Integer.parseInt(shape.substring(0, shape.indexOf('x')));
        int rows = Integer.parseInt(shape.substring(shape.indexOf('x') + 1));
        device = Device.processor(threads);
        QuantizedTensor matrix = device.matrix(type, rows, columns);
        weight = device.upload(matrix);
        weightBytes = matrix.bytes();
        in = device.activations(tokens, columns);
        out = device.zeros(tokens, rows);
        device.operations().matmul(weight, in, out, tokens);
        Expected.requireProduct(matrix, device.read(in, tokens - 1), device.read(out, tokens - 1));
    }

    /** Frees the memory. */
    @TearDown(Level.Trial)
    public void close() {
        device.close();
    }

    /** One product. */
    @Benchmark
    public Activations matmul(Bytes bytes) {
        device.operations().matmul(weight, in, out, tokens);
        bytes.add(weightBytes);
        return out;
    }
}
