package io.gemma4j.bench;

import io.gemma4j.Backend;
import io.gemma4j.CpuKernels;
import io.gemma4j.KvType;
import io.gemma4j.LoadOptions;
import io.gemma4j.bench.measure.SpeedTest;
import io.gemma4j.bench.measure.StreamRead;
import io.gemma4j.os.OperatingSystem;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** What every command that measures a model can be told. */
final class MeasureOptions {
    private static final long STREAM_BYTES = 1L << 30;

    @Option(names = "--model", required = true, paramLabel = "F.gguf", description = "The model.")
    private Path model;

    @Option(names = "-p", split = ",", defaultValue = "512", paramLabel = "TOKENS", description = "Lengths of prompts; 0 for none. Default: 512.")
    private List<Integer> prompts;

    @Option(names = "-n", split = ",", defaultValue = "128", paramLabel = "TOKENS", description = "Tokens to generate; 0 for none. Default: 128.")
    private List<Integer> generations;

    @Option(names = "-d", split = ",", defaultValue = "0", paramLabel = "TOKENS",
            description = "Tokens in the sequence before the timed ones. Default: 0.")
    private List<Integer> depths;

    @Option(names = "-r", defaultValue = "3", paramLabel = "N", description = "Repetitions. Default: ${DEFAULT-VALUE}.")
    private int repetitions;

    @Option(names = "--warm-up", defaultValue = "5", paramLabel = "SECONDS", description = "Run at least so long before timing. Default: ${DEFAULT-VALUE}.")
    private double warmUpSeconds;

    @Option(names = "--kv", defaultValue = "f16", paramLabel = "f16|f32|q8_0|tq4", description = "How keys and values are held. Default: f16.")
    private KvType kvType;

    @Option(names = "--cpu", defaultValue = "auto", paramLabel = "auto|scalar|vector|int8", description = "Kernels of the processor. Default: auto.")
    private CpuKernels cpuKernels;

    @Option(names = "--threads", defaultValue = "0", paramLabel = "N", description = "Threads of the processor. Default: one for each physical core.")
    private int threads;

    @Option(names = "--json", paramLabel = "OUT.json", description = "Write the results there as well.")
    private Path json;

    @Spec(Target.MIXEE)
    private CommandSpec spec;

    /** Complains about numbers that make no sense. */
    void check() {
        require(prompts.stream().allMatch(tokens -> tokens >= 0), "-p", "at least 0", prompts);
        require(generations.stream().allMatch(tokens -> tokens >= 0), "-n", "at least 0", generations);
        require(depths.stream().allMatch(tokens -> tokens >= 0), "-d", "at least 0", depths);
        require(!tests().isEmpty(), "-p and -n", "something to measure", "0");
        require(repetitions >= 1, "-r", "at least 1", repetitions);
        require(warmUpSeconds >= 0, "--warm-up", "at least 0", warmUpSeconds);
        require(threads >= 0, "--threads", "at least 0", threads);
    }

    private void require(boolean valid, String option, String expected, Object found) {
        if (!valid) {
            throw new ParameterException(spec.commandLine(), option + ": expected " + expected + ", found " + found);
        }
    }

    Path model() {
        return model;
    }

    List<SpeedTest> tests() {
        return SpeedTest.of(prompts, generations, depths);
    }

    int repetitions() {
        return repetitions;
    }

    double warmUpSeconds() {
        return warmUpSeconds;
    }

    KvType kvType() {
        return kvType;
    }

    /** Threads of the processor: those asked for, or one for each physical core, as the library has it. */
    int threads() {
        return threads > 0 ? threads : OperatingSystem.physicalCores();
    }

    Path json() {
        return json;
    }

    /** Tokens the longest test needs. */
    int contextTokens() {
        return tests().stream().mapToInt(SpeedTest::contextTokens).max().orElseThrow();
    }

    LoadOptions loadOptions(Backend backend) {
        return LoadOptions.defaults().backend(backend).kvType(kvType).cpuKernels(cpuKernels).threads(threads()).contextTokens(contextTokens());
    }

    /** What the processor reads from memory with that many threads, in bytes per second. */
    double readBytesPerSecond() throws InterruptedException {
        return StreamRead.bytesPerSecond(threads(), STREAM_BYTES);
    }

    static String lowerCase(Object value) {
        return value.toString().toLowerCase(Locale.ROOT);
    }
}
