package io.gemma4j.examples.cli;

import io.gemma4j.Gemma4;
import io.gemma4j.LoadOptions;
import io.gemma4j.SamplingOptions;
import io.gemma4j.Thinking;
import io.gemma4j.examples.batch.BatchAnswers;
import io.gemma4j.examples.batch.BatchFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Answers a file of prompts. */
@Command(name = "batch", description = {"Answers each line of a file in a line of another.",
    "A line is a JSON object with a prompt, or with messages as in the OpenAI API, and an id if need be. What is wrong with a line is its answer, and the "
        + "others go on. The same command goes on where it was interrupted."})
final class BatchCommand implements Callable<Integer> {
    private final StandardStreams streams;

    @Spec
    private CommandSpec command;

    @Parameters(index = "0", paramLabel = "IN", description = "JSON lines.")
    private Path in;

    @Parameters(index = "1", paramLabel = "OUT", description = "Where the answers go. Those that it has already are kept.")
    private Path out;

    @Mixin
    private ModelOptions model;

    @Option(names = "--thinking", paramLabel = "off|on|TOKENS", converter = ThinkingOption.class,
            description = "Whether the model thinks before it answers, and at most for how many tokens. Default: off, unless a line asks for it.")
    private Thinking thinking = Thinking.OFF;

    @Mixin
    private SamplingFlags sampling;

    @Option(names = "--max-tokens", paramLabel = "N", description = "End an answer after N tokens. Default: when the model is done or the context full.")
    private int maxTokens = Integer.MAX_VALUE;

    @Mixin
    private PrefixCacheOption prefixCache;

    @Mixin
    private RuntimeOptions runtime;

    BatchCommand(StandardStreams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        sampling.applyTo(SamplingOptions.defaults()); // before a model is loaded, which may take long
        OptionValue.require(command, maxTokens >= 1, "--max-tokens must be at least 1, was " + maxTokens);
        LoadOptions options = prefixCache.applyTo(runtime.applyTo(LoadOptions.defaults()));
        BatchFile rows = new BatchFile(in, out);
        rows.check(); // likewise
        Path file = model.file(streams);
        BatchFile.Result result;
        try (Gemma4 loaded = load(file, options); BatchAnswers answers = new BatchAnswers(loaded, sampling::applyTo, maxTokens, thinking);
                Interruption interruption = new Interruption(answers::cancel); ProgressBar bar = new ProgressBar(streams, interruption::requested)) {
            result = rows.run((line, row) -> answers.answer("line " + line, row), (done, total) -> bar.show("answering", done, total));
        }
        streams.err().println("gemma4: " + result.rows() + " rows, of which " + result.earlierRows() + " had an answer; errors: " + result.errors());
        return Gemma4Cli.OK;
    }

    private Gemma4 load(Path file, LoadOptions options) throws IOException {
        try (Interruption interruption = new Interruption(() -> {})) {
            return ModelOptions.load(file, options, streams, interruption::requested);
        }
    }
}
