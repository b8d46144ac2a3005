package io.gemma4j.examples.cli;

import io.gemma4j.LoadOptions;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Whether prompts find what earlier ones have computed. */
final class PrefixCacheOption {
    @Option(names = "--prefix-cache", paramLabel = "SIZE", converter = Size.class,
            description = "Keep the keys and values of answered prompts in up to this much memory, e.g. 8G or 512M, for prompts that begin like them.")
    private Long bytes;

    private PrefixCacheOption() {}

    /** Those options with what the user has set. */
    LoadOptions applyTo(LoadOptions options) {
        return bytes == null ? options : options.prefixCacheBytes(bytes);
    }

    /** Reads a number of bytes that may end in K, M or G. */
    static final class Size implements ITypeConverter<Long> {
        @Override
        public Long convert(String value) {
            String text = value.toUpperCase(Locale.ROOT);
            int unit = text.isEmpty() ? -1 : "KMG".indexOf(text.charAt(text.length() - 1));
            try {
                long count = Long.parseLong(unit < 0 ? text : text.substring(0, text.length() - 1));
                if (count >= 0) {
                    return Math.multiplyExact(count, 1L << 10 * (unit + 1));
                }
            } catch (ArithmeticException | NumberFormatException e) {
                // Said below.
            }
            throw new TypeConversionException("must be a number of bytes such as 512M or 8G, was " + value);
        }
    }
}
