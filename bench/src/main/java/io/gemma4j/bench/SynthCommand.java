package io.gemma4j.bench;

import io.gemma4j.bench.synth.Preset;
import io.gemma4j.bench.synth.SyntheticModel;
import io.gemma4j.quantize.TypeMix;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code bench synth}: writes a model of a published size with random weights. */
@Command(name = "synth", mixinStandardHelpOptions = true, description = "Writes a model of a published size with random weights.")
final class SynthCommand implements Callable<Integer> {

    @Option(names = "--preset", required = true, paramLabel = "SIZE", description = "One of: ${COMPLETION-CANDIDATES}.")
    private Preset preset;

    @Option(names = "--mix", defaultValue = "q4_k_m", paramLabel = "TYPES",
            description = "Types of the tensors, as llama.cpp would choose them; one of: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private TypeMix mix;

    @Option(names = "--layers", paramLabel = "N", description = "Only so many layers. Default: all.")
    private int layers;

    @Option(names = "--vocab-from", paramLabel = "F.gguf", description = "Take the tokenizer from this file. Default: a made-up one.")
    private Path vocabulary;

    @Parameters(paramLabel = "OUT.gguf", description = "The file to write.")
    private Path out;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        if (layers < 0) {
            throw new ParameterException(spec.commandLine(), "--layers: expected at least 1, found " + layers);
        }
        long start = System.nanoTime();
        if (vocabulary == null) {
            SyntheticModel.write(preset, layers, mix, out);
        } else {
            SyntheticModel.write(preset, layers, mix, vocabulary, out);
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        spec.commandLine().getOut().printf(Locale.ROOT, "%s: %.2f GB in %.1f s%n", out, Files.size(out) / 1e9, seconds);
        return 0;
    }
}
