package io.gemma4j.examples.hub;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A model on the Hub, written {@code hf:OWNER/REPO}, {@code hf:OWNER/REPO:QUANT} or {@code hf:OWNER/REPO@REVISION:QUANT}. Immutable and thread-safe.
 *
 * @param repository owner and name
 * @param revision branch, tag or commit
 * @param quant how the file is quantized, {@code Q4_K_M} for one, or the file's name; empty for what suits most
 */
public record HubReference(String repository, String revision, Optional<String> quant) {
    private static final String SCHEME = "hf:";
    private static final String NAME = "[A-Za-z0-9_][A-Za-z0-9._-]*";
    private static final Pattern FORM =
            Pattern.compile(SCHEME + "(" + NAME + "/" + NAME + ")(?:@([A-Za-z0-9_][A-Za-z0-9._/-]*))?(?::([A-Za-z0-9_][A-Za-z0-9._/-]*))?");

    /** Whether a text names a model on the Hub and no file. */
    public static boolean isOne(String text) {
        return text.startsWith(SCHEME);
    }

    /**
     * Reads a reference.
     *
     * @throws IllegalArgumentException if it has another form
     */
    public static HubReference parse(String text) {
        Matcher form = FORM.matcher(text);
        if (!form.matches() || text.contains("..") || text.contains("--")) {
            throw new IllegalArgumentException("a model on the Hub must be written hf:OWNER/REPO, hf:OWNER/REPO:QUANT or hf:OWNER/REPO@REVISION:QUANT, was "
                    + text);
        }
        return new HubReference(form.group(1), form.group(2) == null ? "main" : form.group(2), Optional.ofNullable(form.group(3)));
    }
}
