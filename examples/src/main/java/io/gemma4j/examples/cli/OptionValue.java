package io.gemma4j.examples.cli;

import java.util.function.BiFunction;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Checks of option values; what fails them is a usage error that names the option. */
final class OptionValue {
    private OptionValue() {}

    /** Options with one changed, or as they were if the user gave no value. */
    static <O, V> O set(CommandSpec command, String name, V value, O options, BiFunction<O, V, O> change) {
        try {
            return value == null ? options : change.apply(options, value);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), "option " + name + ": " + e.getMessage(), e);
        }
    }

    static void require(CommandSpec command, boolean valid, String rule) {
        if (!valid) {
            throw new ParameterException(command.commandLine(), "option " + rule);
        }
    }
}
