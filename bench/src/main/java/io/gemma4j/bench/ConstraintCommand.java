package io.gemma4j.bench;

import io.gemma4j.Backend;
import io.gemma4j.Cancellation;
import io.gemma4j.Constraint;
import io.gemma4j.Gemma4;
import io.gemma4j.Generation;
import io.gemma4j.GenerationRequest;
import io.gemma4j.LoadOptions;
import io.gemma4j.SamplingOptions;
import io.gemma4j.bench.measure.Machine;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bench constraint}: tokens per second with and without a constraint, in turns. */
@Command(name = "constraint", mixinStandardHelpOptions = true, description = "Measures what a constraint costs: tokens per second with and without one, in turns.")
final class ConstraintCommand implements Callable<Integer> {
    private static final String LIST = """
            {"type": "array", "minItems": 20, "items": {"type": "object", "properties": {"name": {"type": "string"}, "note": {"type": "string"}, "count": {"type": "integer"}},
            "required": ["name", "note", "count"]}}""";
    /** Tokens beyond those that are timed, so that no text has to come to its end. */
    private static final int SPARE_TOKENS = 1024;
    private static final String PROMPT = "A list of things, please.";

    @Option(names = "--model", required = true, paramLabel = "F.gguf", description = "The model.")
    private Path model;

    @Option(names = "--schema", paramLabel = "F.json", description = "The form, a JSON schema. Default: a list of objects with strings.")
    private Path schema;

    @Option(names = "--backend", defaultValue = "auto", paramLabel = "auto|cpu|cuda|metal", description = "Where it runs; auto takes the fastest that works.")
    private Backend backend;

    @Option(names = "-n", defaultValue = "128", paramLabel = "TOKENS", description = "Tokens to generate. Default: ${DEFAULT-VALUE}.")
    private int tokens;

    @Option(names = "-r", defaultValue = "5", paramLabel = "N", description = "Repetitions. Default: ${DEFAULT-VALUE}.")
    private int repetitions;

    @Option(names = "--warm-up", defaultValue = "5", paramLabel = "SECONDS", description = "Run at least so long before timing. Default: ${DEFAULT-VALUE}.")
    private double warmUpSeconds;

    @Spec
    private CommandSpec spec;

    private record Rates(double[] tokensPerSecond, double tokens) {

        static Rates of(List<Generation> generations) {
            return new Rates(generations.stream().mapToDouble(one -> (one.tokens().size() - 1) / (one.timings().decode().toNanos() / 1e9)).sorted().toArray(),
                    generations.stream().mapToInt(one -> one.tokens().size()).average().orElseThrow());
        }

        double median() {
            return (tokensPerSecond[(tokensPerSecond.length - 1) / 2] + tokensPerSecond[tokensPerSecond.length / 2]) / 2;
        }

        String range() {
            return "%.1f (%.1f-%.1f)".formatted(median(), DoubleStream.of(tokensPerSecond).min().orElseThrow(), DoubleStream.of(tokensPerSecond).max().orElseThrow());
        }
    }

    @Override
    public Integer call() throws IOException {
        if (tokens < 2 || repetitions < 1) {
            throw new ParameterException(spec.commandLine(), "expected at least 2 tokens and 1 repetition, found " + tokens + " and " + repetitions);
        }
        String form = schema == null ? LIST : Files.readString(schema);
        PrintWriter out = spec.commandLine().getOut();
        try (Gemma4 loaded = Gemma4.load(model, LoadOptions.defaults().backend(backend).contextTokens(tokens + 2 * SPARE_TOKENS))) {
            out.println(loaded.info().backend() + "; " + Machine.here().jvm());
            out.println("| sampling | free, tok/s | constraint kept, tok/s | new constraint, tok/s | cost kept, new | tokens each |");
            out.println("|---|---:|---:|---:|---:|---:|");
            for (SamplingOptions options : List.of(SamplingOptions.greedy(), SamplingOptions.defaults())) {
                measure(loaded, form, options.seed(1), out);
            }
        }
        return 0;
    }

    private void measure(Gemma4 loaded, String form, SamplingOptions options, PrintWriter out) {
        Constraint kept = Constraint.jsonSchema(form);
        long start = System.nanoTime();
        do {
            generate(loaded, options, null);
            generate(loaded, options, kept);
        } while (System.nanoTime() - start < warmUpSeconds * 1e9);
        List<List<Generation>> all = IntStream.range(0, repetitions).mapToObj(i -> List.of(generate(loaded, options, null), generate(loaded, options, kept),
                generate(loaded, options, Constraint.jsonSchema(form)))).toList();
        Rates[] rates = IntStream.range(0, 3).mapToObj(i -> Rates.of(all.stream().map(each -> each.get(i)).toList())).toArray(Rates[]::new);
        out.printf(Locale.ROOT, "| %s | %s | %s | %s | %.1f %%, %.1f %% | %.0f, %.0f, %.0f |%n", options.temperature() == 0 ? "most likely token" : "default",
                rates[0].range(), rates[1].range(), rates[2].range(), 100 * (rates[0].median() / rates[1].median() - 1),
                100 * (rates[0].median() / rates[2].median() - 1), rates[0].tokens(), rates[1].tokens(), rates[2].tokens());
        out.flush();
    }

    /** A text that is cut off well before it would have to come to its end. */
    private Generation generate(Gemma4 loaded, SamplingOptions options, Constraint constraint) {
        Cancellation enough = new Cancellation();
        GenerationRequest request = loaded.prompt(PROMPT).raw(true).sampling(o -> options).maxTokens(tokens + SPARE_TOKENS).cancellation(enough);
        int[] pieces = {0};
        return (constraint == null ? request : request.constraint(constraint)).stream(piece -> {
            if (++pieces[0] >= tokens) {
                enough.cancel();
            }
        });
    }
}
