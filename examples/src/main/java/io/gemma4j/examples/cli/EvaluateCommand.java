package io.gemma4j.examples.cli;

import io.gemma4j.Gemma4;
import io.gemma4j.LoadOptions;
import io.gemma4j.examples.evaluation.Evaluation;
import io.gemma4j.examples.evaluation.EvaluationCase;
import io.gemma4j.examples.evaluation.EvaluationFile;
import io.gemma4j.examples.evaluation.EvaluationReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Counts the right answers of a model, skill by skill. */
@Command(name = "eval", description = {"Counts the right answers of a model to prompts with known answers, skill by skill.",
    "Exits with 1 where a skill falls short of --require."})
final class EvaluateCommand implements Callable<Integer> {
    private final StandardStreams streams;

    @Spec
    private CommandSpec command;

    @Mixin
    private ModelOptions model;

    @Option(names = "--file", paramLabel = "FILE", description = "The prompts, one JSON object a line. Default: those of the embedded model.")
    private Path file;

    @Option(names = "--skill", paramLabel = "NAME", description = "Only this skill. Repeatable.")
    private List<String> skills = List.of();

    @Option(names = "--require", paramLabel = "PERCENT", description = "How many of each skill's answers have to be right.")
    private double required;

    @Option(names = "--failures", description = "Show what was expected and found where an answer is wrong.")
    private boolean failures;

    @Option(names = "--json", paramLabel = "OUT", description = "Write all results to this file as one JSON object.")
    private Path json;

    @Mixin
    private RuntimeOptions runtime;

    EvaluateCommand(StandardStreams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        OptionValue.require(command, required >= 0 && required <= 100, "--require must be from 0 to 100, was " + required);
        LoadOptions options = runtime.applyTo(LoadOptions.defaults());
        List<EvaluationCase> cases = cases();
        Path modelFile = model.file(streams);
        if (json != null) {
            OutputPath.require(json, file, modelFile);
        }
        EvaluationReport report;
        try (Interruption interruption = new Interruption(Thread.currentThread()::interrupt);
                Gemma4 loaded = ModelOptions.load(modelFile, options, streams, interruption::requested)) {
            report = evaluate(loaded, cases, interruption);
        }
        streams.print(report.table() + (failures ? report.failures() : ""));
        if (json != null) {
            Files.writeString(json, report.json(modelFile.toString()) + "\n");
        }
        List<String> below = report.skillsBelow(required);
        if (!below.isEmpty()) {
            streams.err().println("gemma4: below " + required + " %: " + String.join(", ", below));
        }
        return below.isEmpty() ? Gemma4Cli.OK : Gemma4Cli.FAILED;
    }

    private List<EvaluationCase> cases() throws IOException {
        List<EvaluationCase> all = file == null ? EvaluationFile.embedded() : EvaluationFile.parse(file.toString(), TextFile.read(file));
        Set<String> known = all.stream().map(EvaluationCase::skill).collect(Collectors.toCollection(TreeSet::new));
        for (String skill : skills) {
            if (!known.contains(skill)) {
                throw new ParameterException(command.commandLine(), "option --skill: expected one of " + String.join(", ", known) + ", was " + skill);
            }
        }
        return skills.isEmpty() ? all : all.stream().filter(each -> skills.contains(each.skill())).toList();
    }

    private EvaluationReport evaluate(Gemma4 loaded, List<EvaluationCase> cases, Interruption interruption) {
        List<Evaluation.Result> results = new ArrayList<>();
        try (Evaluation evaluation = new Evaluation(loaded); ProgressBar bar = new ProgressBar(streams, interruption::requested)) {
            for (EvaluationCase each : cases) {
                bar.show("answering", results.size(), cases.size());
                results.add(evaluation.run(each));
            }
        }
        return new EvaluationReport(results);
    }
}
