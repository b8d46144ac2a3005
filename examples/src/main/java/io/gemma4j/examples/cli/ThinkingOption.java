package io.gemma4j.examples.cli;

import io.gemma4j.Thinking;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads {@code off}, {@code on} or a number of tokens. */
final class ThinkingOption implements ITypeConverter<Thinking> {
    @Override
    public Thinking convert(String value) {
        return switch (value) {
            case "off" -> Thinking.OFF;
            case "on" -> Thinking.ON;
            default -> budget(value);
        };
    }

    private static Thinking budget(String value) {
        try {
            return Thinking.budget(Integer.parseInt(value));
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException("must be off, on or a number of tokens, was " + value);
        }
    }
}
