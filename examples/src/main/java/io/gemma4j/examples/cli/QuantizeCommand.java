package io.gemma4j.examples.cli;

import io.gemma4j.quantize.Quantization;
import io.gemma4j.quantize.TypeMix;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes a smaller model file. */
@Command(name = "quantize", description = "Writes a model file again with smaller types, which cost some accuracy.")
final class QuantizeCommand implements Callable<Integer> {
    private final StandardStreams streams;

    @Spec
    private CommandSpec command;

    @Parameters(index = "0", paramLabel = "IN", description = "GGUF file, best in F32, F16 or BF16; of a split model, any part.")
    private Path in;

    @Parameters(index = "1", paramLabel = "OUT", description = "The file to write. What is there is replaced once the new one is complete.")
    private Path out;

    @Option(names = "--type", required = true, paramLabel = "TYPE",
            description = "Types of the tensors, chosen as llama.cpp does; one of: ${COMPLETION-CANDIDATES}.")
    private TypeMix type;

    @Option(names = "--threads", paramLabel = "N", description = "Threads that convert. Default: one for each processor.")
    private Integer threads;

    QuantizeCommand(StandardStreams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        Quantization quantization = OptionValue.set(command, "--threads", threads, Quantization.of(in, type), Quantization::threads);
        Quantization.Result result;
        try (Interruption interruption = new Interruption(() -> {}); ProgressBar bar = new ProgressBar(streams, interruption::requested)) {
            result = quantization.progress(bar).write(out);
        }
        streams.print(String.format(Locale.ROOT, "%s: %s, was %s; tensors: %s%n", out, ModelReport.size(result.outputBytes()),
                ModelReport.size(result.inputBytes()), result.tensors().entrySet().stream()
                        .map(count -> count.getValue() + " " + count.getKey()).collect(Collectors.joining(", "))));
        return Gemma4Cli.OK;
    }
}
