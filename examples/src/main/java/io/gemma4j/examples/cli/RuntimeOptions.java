package io.gemma4j.examples.cli;

import io.gemma4j.Backend;
import io.gemma4j.CpuKernels;
import io.gemma4j.KvType;
import io.gemma4j.LoadOptions;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Where and how a model runs. */
final class RuntimeOptions {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(names = "--backend", paramLabel = "auto|cpu|cuda|metal", description = "Where to run; auto takes the fastest that works.")
    private Backend backend;

    @Option(names = "--cpu", paramLabel = "auto|scalar|vector|int8",
            description = "Kernels of the CPU backend: int8 is the fastest and rounds to 8 bits on the way; the others compute in 32-bit floats.")
    private CpuKernels kernels;

    @Option(names = "--kv", paramLabel = "f16|f32|q8_0|tq4",
            description = "How keys and values are held: q8_0 and tq4 compress those that grow with the text, to about a half and a third. Default: f16.")
    private KvType kvType;

    @Option(names = "--context", paramLabel = "TOKENS|fit", converter = ContextOption.class,
            description = "Room for prompt and answer together; fit takes what there is memory for. Default, and 0: what the model was made for, at most 8192.")
    private Integer contextTokens;

    @Option(names = "--chunk", paramLabel = "TOKENS", description = "Tokens of a prompt that are processed together. Default: what the backend is fast with.")
    private Integer prefillTokens;

    @Option(names = "--threads", paramLabel = "N", description = "Threads of the CPU backend. Default, and 0: one for each physical core.")
    private Integer threads;

    private RuntimeOptions() {}

    /** Those options with what the user has set. */
    LoadOptions applyTo(LoadOptions defaults) {
        LoadOptions options = defaults;
        options = OptionValue.set(command, "--backend", backend, options, LoadOptions::backend);
        options = OptionValue.set(command, "--cpu", kernels, options, LoadOptions::cpuKernels);
        options = OptionValue.set(command, "--kv", kvType, options, LoadOptions::kvType);
        options = OptionValue.set(command, "--context", contextTokens, options, LoadOptions::contextTokens);
        options = OptionValue.set(command, "--chunk", prefillTokens, options, LoadOptions::prefillTokens);
        return OptionValue.set(command, "--threads", threads, options, LoadOptions::threads);
    }
}
