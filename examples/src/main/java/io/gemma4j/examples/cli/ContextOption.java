package io.gemma4j.examples.cli;

import io.gemma4j.LoadOptions;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads {@code fit} or a number of tokens. */
final class ContextOption implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String value) {
        if (value.equals("fit")) {
            return LoadOptions.FIT_MEMORY;
        }
        try {
            return Math.max(-1, Integer.parseInt(value)); // what is negative is refused later, whatever it stands for
        } catch (NumberFormatException e) {
            throw new TypeConversionException("must be fit or a number of tokens, was " + value);
        }
    }
}
