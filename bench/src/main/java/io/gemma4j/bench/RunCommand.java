package io.gemma4j.bench;

import io.gemma4j.Backend;
import io.gemma4j.bench.measure.LibraryEngine;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code bench run}: tokens per second for prompts and generation, at several depths. */
@Command(name = "run", mixinStandardHelpOptions = true, description = "Measures tokens per second for prompts and generation, at several depths.")
final class RunCommand implements Callable<Integer> {

    @Mixin
    private MeasureOptions options;

    @Option(names = "--backend", defaultValue = "auto", paramLabel = "auto|cpu|cuda|metal", description = "Where it runs; auto takes the fastest that works.")
    private Backend backend;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, InterruptedException {
        options.check();
        try (LibraryEngine engine = new LibraryEngine(options.model(), options.loadOptions(backend))) {
            new Measurement(options, spec.commandLine().getOut(), spec.commandLine().getErr()).run(List.of(engine), engine.onProcessor());
        }
        return 0;
    }
}
