package io.gemma4j.examples.cli;

import io.gemma4j.bench.BenchCommand;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The {@code gemma4} program: runs a command and turns what went wrong into one line and an exit code. Exit codes: 0 for success, 1 for a
 * failure, 2 for wrong arguments, 130 after Ctrl-C.
 */
@Command(name = "gemma4", description = "Runs Gemma 4 models on this machine.", synopsisSubcommandLabel = "COMMAND", scope = ScopeType.INHERIT,
        mixinStandardHelpOptions = true, versionProvider = Version.class, sortOptions = false, sortSynopsis = false, usageHelpAutoWidth = true)
public final class Gemma4Cli implements Callable<Integer> {
    static final int OK = 0;
    static final int FAILED = 1;
    static final int USAGE = 2;
    /** 128 and the number of SIGINT: what shells report for a program that Ctrl-C has ended. */
    static final int INTERRUPTED = 130;

    private static final String VERBOSE = "--verbose";

    @Spec
    private CommandSpec spec;

    @Option(names = VERBOSE, scope = ScopeType.INHERIT, description = "Log what is going on, and print stack traces of failures.")
    private boolean verbose;

    private Gemma4Cli() {}

    /**
     * Runs the program and ends the JVM.
     *
     * @param args the command and its options; none prints the usage
     */
    public static void main(String[] args) {
        PrintStream err = new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
        System.setErr(err); // where the log goes
        System.exit(run(new StandardStreams(System.in, new FileOutputStream(FileDescriptor.out), err, CLibrary.isTerminal(2)), args));
    }

    /**
     * Runs the program.
     *
     * @param streams what takes the place of standard input, output and error
     * @param args the command and its options
     * @return the exit code
     */
    static int run(StandardStreams streams, String... args) {
        boolean verbose = List.of(args).contains(VERBOSE);
        if (verbose) {
            // Before the first logger is created, which is why this does not wait for the parser.
            System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "debug");
        }
        Failures failures = new Failures(streams.err(), verbose);
        CommandLine commandLine = commandLine(verbose ? streams.withoutProgress() : streams, failures);
        try {
            return commandLine.execute(args);
        } catch (Error e) { // of which picocli takes no notice
            return failures.report(e);
        } finally {
            commandLine.getOut().flush();
        }
    }

    private static CommandLine commandLine(StandardStreams streams, Failures failures) {
        return new CommandLine(new Gemma4Cli())
                .addSubcommand(new InfoCommand(streams))
                .addSubcommand(new TokenizeCommand(streams))
                .addSubcommand(new RenderCommand(streams))
                .addSubcommand(new GenerateCommand(streams))
                .addSubcommand(new ChatCommand(streams))
                .addSubcommand(new ServeCommand(streams))
                .addSubcommand(new LogitsCommand(streams))
                .addSubcommand(new BatchCommand(streams))
                .addSubcommand(new EvaluateCommand(streams))
                .addSubcommand(new QuantizeCommand(streams))
                .addSubcommand(new PullCommand(streams))
                .addSubcommand(BenchCommand.commandLine())
                .addSubcommand(new HelpCommand())
                .setOut(new PrintWriter(streams.out(), true, StandardCharsets.UTF_8))
                .setErr(new PrintWriter(streams.err(), true, StandardCharsets.UTF_8))
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExpandAtFiles(false) // a prompt may start with @
                .setParameterExceptionHandler(Gemma4Cli::explainUsage)
                .setExecutionExceptionHandler((e, command, parsed) -> failures.report(e));
    }

    private static int explainUsage(ParameterException e, String[] args) {
        PrintWriter err = e.getCommandLine().getErr();
        err.println("gemma4: " + e.getMessage().replaceFirst("^Error: ", ""));
        UnmatchedArgumentException.printSuggestions(e, err);
        err.println("Try '" + e.getCommandLine().getCommandSpec().qualifiedName() + " --help'.");
        return USAGE;
    }

    @Override
    public Integer call() {
        spec.commandLine().usage(spec.commandLine().getOut());
        return OK;
    }
}
