package io.gemma4j.bench;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/**
 * The command {@code bench}, with a subcommand for each tool. An application of commands adds it with
 * {@code commandLine.addSubcommand(BenchCommand.commandLine())}.
 */
@Command(name = "bench", mixinStandardHelpOptions = true, description = "Measures speed, and makes the models to measure it with.",
        subcommands = {SynthCommand.class, RunCommand.class, ConstraintCommand.class, PeersCommand.class, PlotCommand.class})
public final class BenchCommand {

    /** Holds no state. */
    public BenchCommand() {}

    /**
     * The command, ready to be executed or added to another.
     *
     * @return reads the names of sizes, types and backends in lower case
     */
    public static CommandLine commandLine() {
        return new CommandLine(new BenchCommand()).setCaseInsensitiveEnumValuesAllowed(true);
    }

    /**
     * Runs the command as a program.
     *
     * @param arguments of the command line
     */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }
}
