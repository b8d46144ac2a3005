package io.gemma4j.tokenizer;

import io.gemma4j.ModelFormatException;
import io.gemma4j.gguf.GgufMetadata;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The tokenizer of Gemma 4: text to token ids and back. Byte pair encoding in the order of the file's merges, over characters, with
 * spaces as U+2581 and with byte tokens for characters that have no token.
 *
 * <p>Text never becomes a control token: {@code "<turn|>"} in a text is encoded as ordinary pieces of text. Only {@link #controlToken(String)},
 * meant for the renderer of prompts, gives those ids out. For any valid Unicode text, {@code decode(encode(text))} is that text, U+2581
 * included, which goes through byte tokens; a lone surrogate becomes U+FFFD. Where a vocabulary lacks byte tokens, a character that it
 * cannot express becomes the unknown token, and that decodes to U+FFFD.
 *
 * <p>Immutable and thread-safe. Holds no native memory and does not need the file once it is built.
 *
 * <pre>{@code
 * Tokenizer tokenizer = Tokenizer.of(file.metadata());
 * int[] ids = tokenizer.encode("Why is the sky blue?");
 * String text = tokenizer.decode(ids);
 * }</pre>
 */
public final class Tokenizer {
    private static final String MODEL = "tokenizer.ggml.model";
    private static final String SUPPORTED_MODEL = "gemma4";
    private static final String BOS = "tokenizer.ggml.bos_token_id";
    private static final String EOS = "tokenizer.ggml.eos_token_id";

    private final Vocabulary vocabulary;
    private final MergeTable merges;
    private final int bos;
    private final int[] endOfGeneration;

    private Tokenizer(GgufMetadata metadata) {
        this.vocabulary = new Vocabulary(metadata);
        this.merges = new MergeTable(metadata, vocabulary);
        this.bos = Stream.of(findControlToken(metadata, BOS), controlToken("<bos>")).flatMapToInt(OptionalInt::stream).findFirst()
                .orElseThrow(() -> metadata.unexpected(BOS, "the id of a control token", "nothing, and no token '<bos>'"));
        // Not </s>: in this vocabulary it closes struck-out text.
        this.endOfGeneration = Stream.of(controlToken("<eos>"), controlToken("<turn|>"), controlToken("<|tool_response>"),
                        findControlToken(metadata, EOS))
                .flatMapToInt(OptionalInt::stream).sorted().distinct().toArray();
        if (endOfGeneration.length == 0) {
            throw metadata.unexpected(EOS, "the id of a control token", "nothing, and no token '<eos>', '<turn|>' or '<|tool_response>'");
        }
    }

    /**
     * Builds the tokenizer of a file.
     *
     * @throws ModelFormatException when the file has another kind of tokenizer, or when tokens, types, merges or special ids are missing or
     *     contradict each other; every merge must join two text tokens to a third
     */
    public static Tokenizer of(GgufMetadata metadata) {
        String model = metadata.string(MODEL);
        if (!model.equals(SUPPORTED_MODEL)) {
            throw metadata.unexpected(MODEL, "'" + SUPPORTED_MODEL + "', the only supported tokenizer", "'" + model + "'");
        }
        return new Tokenizer(metadata);
    }

    /** The tokens of a text after the beginning-of-sequence token, which Gemma 4 needs whatever the file says. */
    public int[] encode(String text) {
        return encode(text, true);
    }

    /**
     * The tokens of a text.
     *
     * @param text any text; what looks like a control token in it is text
     * @param bos whether the beginning-of-sequence token goes first
     */
    public int[] encode(String text, boolean bos) {
        BpeEncoding encoding = new BpeEncoding(vocabulary, merges);
        if (bos) {
            encoding.addToken(this.bos);
        }
        encoding.addText(text);
        return encoding.ids();
    }

    /**
     * The text of some tokens, without control tokens; bytes that are no UTF-8 become U+FFFD.
     *
     * @throws IllegalArgumentException when an id is outside the vocabulary
     */
    public String decode(int... ids) {
        return decode(ids, false);
    }

    /**
     * The text of some tokens; bytes that are no UTF-8 become U+FFFD.
     *
     * @param ids token ids
     * @param keepControl whether control tokens appear as their vocabulary text instead of being left out
     * @throws IllegalArgumentException when an id is outside the vocabulary
     */
    public String decode(int[] ids, boolean keepControl) {
        ByteArrayOutputStream utf8 = new ByteArrayOutputStream(4 * ids.length);
        for (int id : ids) {
            if (keepControl || !isControl(id)) {
                utf8.writeBytes(tokenBytes(id));
            }
        }
        return utf8.toString(StandardCharsets.UTF_8);
    }

    /** A decoder for tokens that come one by one. */
    public StreamDecoder newStreamDecoder() {
        return new StreamDecoder(this);
    }

    /**
     * The bytes that a token adds to a text, maybe only part of a character: spaces as spaces, byte tokens as their byte, the unknown token as
     * U+FFFD, control and unused tokens as their vocabulary text. The array is the caller's.
     *
     * @throws IllegalArgumentException when {@code id} is outside the vocabulary
     */
    public byte[] tokenBytes(int id) {
        return vocabulary.bytes(id);
    }

    /**
     * The text of a token as the vocabulary has it, with U+2581 for spaces and {@code <0x0A>} for bytes.
     *
     * @throws IllegalArgumentException when {@code id} is outside the vocabulary
     */
    public String tokenText(int id) {
        return vocabulary.text(id);
    }

    /** The control token with that vocabulary text, for the renderer of prompts; never look up a user's text here. */
    public OptionalInt controlToken(String text) {
        return vocabulary.controlToken(text);
    }

    /**
     * Whether a token is structure, not text: turns, tools, channels, media, padding and the like.
     *
     * @throws IllegalArgumentException when {@code id} is outside the vocabulary
     */
    public boolean isControl(int id) {
        return vocabulary.kind(id) == TokenKind.CONTROL;
    }

    /**
     * Whether a token is a piece of text or a byte of one.
     *
     * @throws IllegalArgumentException when {@code id} is outside the vocabulary
     */
    public boolean isText(int id) {
        return vocabulary.kind(id) == TokenKind.TEXT || vocabulary.kind(id) == TokenKind.BYTE;
    }

    /**
     * Whether a token is reserved. No working model produces such tokens again and again.
     *
     * @throws IllegalArgumentException when {@code id} is outside the vocabulary
     */
    public boolean isUnused(int id) {
        return vocabulary.kind(id) == TokenKind.UNUSED;
    }

    /**
     * Whether a token ends the answer.
     *
     * @throws IllegalArgumentException when {@code id} is outside the vocabulary
     */
    public boolean isEndOfGeneration(int id) {
        return isControl(id) && IntStream.of(endOfGeneration).anyMatch(end -> end == id);
    }

    /** The tokens that end an answer, in ascending order: {@code <eos>}, {@code <turn|>}, {@code <|tool_response>} and what the file names. */
    public int[] endOfGenerationTokens() {
        return endOfGeneration.clone();
    }

    /** The beginning-of-sequence token. */
    public int bos() {
        return bos;
    }

    /** Number of tokens; ids go from zero to one less. */
    public int vocabularySize() {
        return vocabulary.size();
    }

    private OptionalInt findControlToken(GgufMetadata metadata, String key) {
        OptionalInt id = vocabulary.findToken(metadata, key);
        if (id.isPresent() && !isControl(id.getAsInt())) {
            throw metadata.unexpected(key, "the id of a control token", id.getAsInt() + " '" + tokenText(id.getAsInt()) + "'");
        }
        return id;
    }
}
