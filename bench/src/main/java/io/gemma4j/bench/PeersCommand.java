package io.gemma4j.bench;

import io.gemma4j.Backend;
import io.gemma4j.KvType;
import io.gemma4j.bench.llamacpp.LlamaCppEngine;
import io.gemma4j.bench.measure.Engine;
import io.gemma4j.bench.measure.LibraryEngine;
import io.gemma4j.bench.measure.Speed;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bench peers}: the same tests on llama.cpp, on the same file with the same threads, in turns. */
@Command(name = "peers", mixinStandardHelpOptions = true,
        description = "Measures llama.cpp on the same file with the same threads, in turns with this library, and prints the ratios.")
final class PeersCommand implements Callable<Integer> {

    @Mixin
    private MeasureOptions options;

    @Option(names = "--llama-cpp", required = true, paramLabel = "LIBRARY",
            description = "A shared library that exports llama.h: libllama, or libjllama from a jar of java-llama.cpp.")
    private Path library;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, InterruptedException {
        options.check();
        if (options.kvType() != KvType.F16) {
            throw new ParameterException(spec.commandLine(), "--kv: expected f16, the default of llama.cpp, found " + options.kvType());
        }
        PrintWriter out = spec.commandLine().getOut();
        try (Engine ours = new LibraryEngine(options.model(), options.loadOptions(Backend.CPU));
                Engine theirs = LlamaCppEngine.load(library, options.model(), options.contextTokens(), options.threads())) {
            List<Speed> speeds = new Measurement(options, out, spec.commandLine().getErr()).run(List.of(ours, theirs), true);
            out.printf("%n| test | %s / %s |%n|---|---:|%n", ours.name(), theirs.name());
            for (int i = 0; i < speeds.size(); i += 2) {
                out.printf(Locale.ROOT, "| %s | %.2f |%n", speeds.get(i).test(), speeds.get(i).tokensPerSecond() / speeds.get(i + 1).tokensPerSecond());
            }
            out.flush();
        }
        return 0;
    }
}
