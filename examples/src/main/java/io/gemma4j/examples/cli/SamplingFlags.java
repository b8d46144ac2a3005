package io.gemma4j.examples.cli;

import io.gemma4j.SamplingOptions;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How the next token is chosen; what is left out is as the model file recommends. */
final class SamplingFlags {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(names = "--temperature", paramLabel = "T", description = "How much chance has a say; 0 takes the most likely token.")
    private Float temperature;

    @Option(names = "--top-k", paramLabel = "K", description = "Draw from the K most likely tokens; 0 is off.")
    private Integer topK;

    @Option(names = "--top-p", paramLabel = "P", description = "Draw from the most likely tokens that reach probability P; 1 is off.")
    private Float topP;

    @Option(names = "--min-p", paramLabel = "P", description = "Drop tokens below P times the highest probability; 0 is off.")
    private Float minP;

    @Option(names = "--typical-p", paramLabel = "P", description = "Draw from the most typical tokens that reach probability P; 1 is off.")
    private Float typicalP;

    @Option(names = "--repetition-penalty", paramLabel = "X", description = "Divides scores of recent tokens; 1 is off.")
    private Float repetitionPenalty;

    @Option(names = "--presence-penalty", paramLabel = "X", description = "Subtracted from scores of recent tokens; 0 is off.")
    private Float presencePenalty;

    @Option(names = "--frequency-penalty", paramLabel = "X", description = "Subtracted once for each recent occurrence; 0 is off.")
    private Float frequencyPenalty;

    @Option(names = "--seed", paramLabel = "N", description = "Makes the draws repeatable.")
    private Long seed;

    @Option(names = "--logit-bias", paramLabel = "ID=V", description = "Added to the score of a token; -Infinity bans it. Repeatable.")
    private Map<Integer, Float> logitBias;

    private SamplingFlags() {}

    /** Those options with what the user has set. */
    SamplingOptions applyTo(SamplingOptions defaults) {
        SamplingOptions options = defaults;
        options = OptionValue.set(command, "--temperature", temperature, options, SamplingOptions::temperature);
        options = OptionValue.set(command, "--top-k", topK, options, SamplingOptions::topK);
        options = OptionValue.set(command, "--top-p", topP, options, SamplingOptions::topP);
        options = OptionValue.set(command, "--min-p", minP, options, SamplingOptions::minP);
        options = OptionValue.set(command, "--typical-p", typicalP, options, SamplingOptions::typicalP);
        options = OptionValue.set(command, "--repetition-penalty", repetitionPenalty, options, SamplingOptions::repetitionPenalty);
        options = OptionValue.set(command, "--presence-penalty", presencePenalty, options, SamplingOptions::presencePenalty);
        options = OptionValue.set(command, "--frequency-penalty", frequencyPenalty, options, SamplingOptions::frequencyPenalty);
        options = OptionValue.set(command, "--seed", seed, options, SamplingOptions::seed);
        return OptionValue.set(command, "--logit-bias", logitBias, options, SamplingOptions::logitBias);
    }
}
