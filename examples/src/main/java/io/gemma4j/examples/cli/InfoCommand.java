package io.gemma4j.examples.cli;

import io.gemma4j.Gemma4;
import io.gemma4j.LoadOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Prints what a model is, where it runs and what memory it takes. */
@Command(name = "info", description = "Describes a model, where it runs and what memory it takes.")
final class InfoCommand implements Callable<Integer> {
    private final StandardStreams streams;

    @Mixin
    private ModelOptions model;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Mixin
    private RuntimeOptions runtime;

    InfoCommand(StandardStreams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        LoadOptions options = runtime.applyTo(LoadOptions.defaults());
        Path file = model.file(streams);
        try (Gemma4 loaded = ModelOptions.load(file, options, streams, () -> false)) {
            ModelReport report = new ModelReport(loaded.info(), Gemma4.estimateMemory(file, options.contextTokens(loaded.info().contextTokens())), loaded.samplingDefaults());
            streams.print(json ? report.json() + "\n" : report.table());
            return Gemma4Cli.OK;
        }
    }
}
