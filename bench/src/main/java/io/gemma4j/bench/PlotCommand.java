package io.gemma4j.bench;

import io.gemma4j.bench.measure.Report;
import io.gemma4j.bench.plot.SpeedPlot;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code bench plot}: pictures of what {@code run} and {@code peers} wrote as JSON. */
@Command(name = "plot", mixinStandardHelpOptions = true, description = "Draws tokens per second by context depth, as SVG and PNG.")
final class PlotCommand implements Callable<Integer> {

    @Parameters(arity = "1..*", paramLabel = "RESULT.json", description = "What run or peers wrote.")
    private List<Path> results;

    @Option(names = {"-o", "--out"}, defaultValue = "speed", paramLabel = "NAME", description = "Files to write, without the end. Default: ${DEFAULT-VALUE}.")
    private Path name;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        List<Report> reports = new ArrayList<>();
        for (Path result : results) {
            reports.add(Report.read(result));
        }
        for (Path file : SpeedPlot.write(reports, name)) {
            spec.commandLine().getOut().println(file);
        }
        spec.commandLine().getOut().flush();
        return 0;
    }
}
