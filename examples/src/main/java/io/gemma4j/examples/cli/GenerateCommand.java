package io.gemma4j.examples.cli;

import io.gemma4j.Cancellation;
import io.gemma4j.Gemma4;
import io.gemma4j.Generation;
import io.gemma4j.LoadOptions;
import io.gemma4j.SamplingOptions;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Answers a prompt, on standard output as the tokens come. */
@Command(name = "generate", description = "Answers a prompt.")
final class GenerateCommand implements Callable<Integer> {
    private final StandardStreams streams;

    @Spec
    private CommandSpec command;

    @Mixin
    private ModelOptions model;

    @ArgGroup(multiplicity = "1")
    private Prompt prompt;

    @Mixin
    private SamplingFlags sampling;

    @Option(names = "--max-tokens", paramLabel = "N", description = "End after N tokens. Default: when the model is done or the context full.")
    private int maxTokens = Integer.MAX_VALUE;

    @Option(names = "--stop", paramLabel = "TEXT", description = "End where this would come up. Repeatable.")
    private String[] stop = {};

    @Option(names = "--raw", description = "Continue the prompt as plain text instead of answering it as a turn of a conversation.")
    private boolean raw;

    @Option(names = "--json", description = "Print one JSON object at the end instead of the text as it comes.")
    private boolean json;

    @Option(names = "--logprobs", paramLabel = "N",
            description = "Report the N most likely tokens at each place: in the JSON object, without --json on standard error.")
    private int logprobs;

    @Option(names = "--stats", description = "Print speed and counts to standard error.")
    private boolean statistics;

    @Mixin
    private RuntimeOptions runtime;

    private static final class Prompt {
        @Option(names = "--prompt", required = true, paramLabel = "TEXT", description = "The prompt; - reads standard input.")
        private String text;

        @Option(names = "--prompt-file", required = true, paramLabel = "FILE", description = "UTF-8 file with the prompt.")
        private Path file;

        private Prompt() {}

        String read(InputStream in) throws IOException {
            if (text == null) {
                return TextFile.read(file);
            }
            return text.equals("-") ? TextFile.decode("standard input", in.readAllBytes()) : text;
        }
    }

    GenerateCommand(StandardStreams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        check();
        LoadOptions options = runtime.applyTo(LoadOptions.defaults());
        String text = prompt.read(streams.in());
        Path file = model.file(streams);
        Cancellation cancellation = new Cancellation();
        try (Interruption interruption = new Interruption(cancellation::cancel);
                Gemma4 loaded = ModelOptions.load(file, options, streams, cancellation::isCancelled)) {
            report(generate(loaded, text, cancellation), loaded);
            return interruption.requested() ? Gemma4Cli.INTERRUPTED : Gemma4Cli.OK;
        }
    }

    // Before a model is loaded, which may take long.
    private void check() {
        sampling.applyTo(SamplingOptions.defaults());
        OptionValue.require(command, maxTokens >= 1, "--max-tokens must be at least 1, was " + maxTokens);
        OptionValue.require(command, logprobs >= 0, "--logprobs must be at least 0, was " + logprobs);
        OptionValue.require(command, !Arrays.asList(stop).contains(""), "--stop must not be empty");
    }

    private Generation generate(Gemma4 loaded, String text, Cancellation cancellation) {
        try (ProgressBar bar = new ProgressBar(streams, cancellation::isCancelled)) {
            return loaded.prompt(text).raw(raw).sampling(sampling::applyTo).maxTokens(maxTokens).stop(stop).logprobs(logprobs)
                    .progress(bar).cancellation(cancellation).stream(json ? piece -> {} : streams::print);
        }
    }

    private void report(Generation generation, Gemma4 loaded) {
        GenerationReport report = new GenerationReport(generation, loaded.tokenizer());
        streams.print(json ? report.json() + "\n" : "\n");
        if (!json) {
            streams.err().print(report.logprobs());
        }
        if (statistics) {
            streams.err().print(report.statistics(loaded.info().backend()));
        }
    }
}
