package io.gemma4j.examples.cli;

import io.gemma4j.Gemma4;
import io.gemma4j.LoadOptions;
import io.gemma4j.Session;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Writes the logits of every position of some prompts to a file, for comparison with other implementations. So that they depend on the model
 * alone, the CPU computes them in 32-bit floats where the user does not ask for other kernels.
 */
@Command(name = "logits", description = "Writes the logits after every token of some prompts to a file of little-endian 32-bit floats.")
final class LogitsCommand implements Callable<Integer> {
    private final StandardStreams streams;

    @Mixin
    private ModelOptions model;

    @Option(names = "--ids-file", required = true, paramLabel = "FILE", description = "One prompt a line: token ids, separated by spaces.")
    private Path idsFile;

    @Option(names = "--out", required = true, paramLabel = "FILE", description = "Where the logits go, prompt after prompt, row after row.")
    private Path out;

    @Mixin
    private RuntimeOptions runtime;

    LogitsCommand(StandardStreams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        LoadOptions options = runtime.applyTo(LoadOptions.defaults());
        IdsFile ids = IdsFile.read(idsFile);
        Path file = model.file(streams);
        OutputPath.require(out, idsFile, file);
        try (Interruption interruption = new Interruption(Thread.currentThread()::interrupt);
                Gemma4 loaded = ModelOptions.load(file, options, streams, interruption::requested)) {
            ids.requireFits(loaded.info().vocabulary(), loaded.info().contextTokens());
            try (LogitsFile logits = new LogitsFile(out)) {
                for (IdsFile.Prompt prompt : ids.prompts()) {
                    try (Session session = loaded.newSession()) {
                        session.feed(prompt.ids(), logits::append);
                    }
                }
                logits.commit();
            }
            return Gemma4Cli.OK;
        }
    }
}
