package io.gemma4j.tokenizer;

import java.util.Optional;
import java.util.regex.Pattern;

/** What a token stands for, from its GGUF type and its text. */
enum TokenKind {
    /** A piece of text. */
    TEXT,
    /** One byte of a character that has no token of its own. */
    BYTE,
    /** Structure of the prompt and of the answer, never text. */
    CONTROL,
    /** Reserved: the model was never trained to produce it. */
    UNUSED,
    /** A character that the vocabulary cannot express. */
    UNKNOWN;

    // Converters mark the tool and channel delimiters as user-defined, like runs of newlines; only the shape tells them apart.
    private static final Pattern DELIMITER = Pattern.compile("<\\|.+>|<.+\\|>", Pattern.DOTALL);
    // Converters give reserved tokens the type of ordinary text.
    private static final Pattern RESERVED = Pattern.compile("<unused[0-9]+>");

    /** The kind of a token of that GGUF type, empty when there is no such type. */
    static Optional<TokenKind> of(int ggufType, String text) {
        return switch (ggufType) {
            case 1 -> Optional.of(RESERVED.matcher(text).matches() ? UNUSED : TEXT);
            case 2 -> Optional.of(UNKNOWN);
            case 3 -> Optional.of(CONTROL);
            case 4 -> Optional.of(DELIMITER.matcher(text).matches() ? CONTROL : TEXT);
            case 5 -> Optional.of(UNUSED);
            case 6 -> Optional.of(BYTE);
            default -> Optional.empty();
        };
    }
}
