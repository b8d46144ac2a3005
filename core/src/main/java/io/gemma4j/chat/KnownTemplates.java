package io.gemma4j.chat;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Set;

/** Which templates {@link PromptRenderer} renders exactly. Thread-safe. */
public final class KnownTemplates {
    /** SHA-256 of google/gemma-4-31B-it's chat_template.jinja; with and without a newline at its end, which converters add or drop. */
    private static final Set<String> SHA256 = Set.of(
            "85a08664d16d8f3be4416c92427b3ac10df1024ac566cc0b4bc3bab409393f98",
            "1d35a24a2a63cc600c0cab43628a6df4cd3318e959b03307cf5f9f7e29ecf783");

    private KnownTemplates() {}

    /**
     * Whether prompts come out as this template would render them.
     *
     * @param template the template of a model file
     * @return false if it is another, which may differ from Gemma 4's format
     */
    public static boolean isKnown(String template) {
        return SHA256.contains(hash(template));
    }

    /**
     * What names a template.
     *
     * @param template the template of a model file
     * @return SHA-256 of its UTF-8 form, in hexadecimal digits
     */
    public static String hash(String template) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(template.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
