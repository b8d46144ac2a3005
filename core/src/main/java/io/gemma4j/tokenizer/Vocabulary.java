package io.gemma4j.tokenizer;

import io.gemma4j.ModelFormatException;
import io.gemma4j.gguf.GgufMetadata;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/** The tokens of a file: id to text and kind, character, byte and run of newlines to id. Immutable and thread-safe. */
final class Vocabulary {
    /** Stands for "there is no such token". */
    static final int NONE = -1;

    private static final String TOKENS = "tokenizer.ggml.tokens";
    private static final String TYPES = "tokenizer.ggml.token_type";
    private static final String UNKNOWN = "tokenizer.ggml.unknown_token_id";

    private static final char SPACE_SYMBOL = '\u2581';
    private static final byte[] REPLACEMENT = "\ufffd".getBytes(StandardCharsets.UTF_8);
    private static final Pattern BYTE_TEXT = Pattern.compile("<0x[0-9A-F]{2}>");

    private final TokenKind[] kinds;
    // All texts as one block of UTF-8; the text of token i ends at textEnds[i].
    private final byte[] textBytes;
    private final int[] textEnds;
    private final int[] characterTokens = new int[Character.MAX_CODE_POINT + 1];
    private final int[] byteTokens = new int[256];
    private final Map<Integer, Integer> newlineRunTokens = new HashMap<>();
    private final Map<String, Integer> controlTokens = new HashMap<>();
    private final int unknown;

    /** Reads the tokens and their types from {@code metadata}; throws {@link ModelFormatException} when they are missing or make no sense. */
    Vocabulary(GgufMetadata metadata) {
        List<String> texts = metadata.strings(TOKENS);
        int[] types = metadata.findIntegers(TYPES).orElseThrow(() -> metadata.unexpected(TYPES, "an array of integers", "nothing"));
        if (types.length != texts.size()) {
            throw metadata.unexpected(TYPES, "one type for each of " + texts.size() + " tokens", types.length + " types");
        }
        this.kinds = new TokenKind[types.length];
        this.textEnds = new int[types.length];
        Arrays.fill(characterTokens, NONE);
        Arrays.fill(byteTokens, NONE);
        ByteArrayOutputStream utf8 = new ByteArrayOutputStream();
        int id = 0;
        for (String text : texts) {
            utf8.writeBytes(text.getBytes(StandardCharsets.UTF_8));
            textEnds[id] = utf8.size();
            kinds[id] = kind(metadata, id, types[id], text);
            switch (kinds[id]) {
                case TEXT -> addText(id, text);
                case BYTE -> addByte(metadata, id, text);
                case CONTROL -> addControl(metadata, id, text);
                case UNUSED, UNKNOWN -> { }
            }
            id++;
        }
        this.textBytes = utf8.toByteArray();
        // U+2581 in a token stands for a space. A literal U+2581 goes through its bytes, or it would come back as a space.
        characterTokens[' '] = characterTokens[SPACE_SYMBOL];
        characterTokens[SPACE_SYMBOL] = NONE;
        this.unknown = findToken(metadata, UNKNOWN).orElse(NONE);
        if (unknown == NONE && Arrays.stream(byteTokens).anyMatch(token -> token == NONE)) {
            throw metadata.unexpected(UNKNOWN, "the token for characters whose bytes have no tokens", "nothing");
        }
    }

    /** Number of tokens. */
    int size() {
        return kinds.length;
    }

    /** The kind of a token; throws {@link IllegalArgumentException} when there is no such id. */
    TokenKind kind(int id) {
        if (id < 0 || id >= kinds.length) {
            throw new IllegalArgumentException("token id " + id + " is outside the vocabulary of " + kinds.length + " tokens");
        }
        return kinds[id];
    }

    /** The text of a token as the file has it; throws {@link IllegalArgumentException} when there is no such id. */
    String text(int id) {
        kind(id);
        int start = id == 0 ? 0 : textEnds[id - 1];
        return new String(textBytes, start, textEnds[id] - start, StandardCharsets.UTF_8);
    }

    /** The bytes a token adds to a text; throws {@link IllegalArgumentException} when there is no such id. */
    byte[] bytes(int id) {
        return switch (kind(id)) {
            case TEXT -> text(id).replace(SPACE_SYMBOL, ' ').getBytes(StandardCharsets.UTF_8);
            case BYTE -> new byte[] {(byte) byteValue(text(id))};
            case CONTROL, UNUSED -> text(id).getBytes(StandardCharsets.UTF_8);
            case UNKNOWN -> REPLACEMENT.clone();
        };
    }

    /** The text token of one character, a space being found as U+2581, or {@link #NONE}. */
    int characterToken(int codePoint) {
        return characterTokens[codePoint];
    }

    /** The byte tokens of a character without a token of its own, or the unknown token where a byte has none. */
    int[] fallbackTokens(int codePoint) {
        byte[] utf8 = Character.toString(codePoint).getBytes(StandardCharsets.UTF_8);
        int[] tokens = new int[utf8.length];
        for (int i = 0; i < utf8.length; i++) {
            tokens[i] = byteTokens[utf8[i] & 0xff];
            if (tokens[i] == NONE) {
                return new int[] {unknown};
            }
        }
        return tokens;
    }

    /** The token of exactly {@code length} newlines, or {@link #NONE}. */
    int newlineRunToken(int length) {
        return newlineRunTokens.getOrDefault(length, NONE);
    }

    /** The control token with that text. */
    OptionalInt controlToken(String text) {
        Integer id = controlTokens.get(text);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /** The token whose id is the value of {@code key} in {@code metadata}; throws {@link ModelFormatException} when there is no such id. */
    OptionalInt findToken(GgufMetadata metadata, String key) {
        OptionalInt id = metadata.findInteger(key).stream().mapToInt(Integer::intValue).findFirst();
        if (id.isPresent() && (id.getAsInt() < 0 || id.getAsInt() >= kinds.length)) {
            throw metadata.unexpected(key, "the id of one of " + kinds.length + " tokens", id.getAsInt());
        }
        return id;
    }

    /** All text tokens by their text, indexed anew; throws {@link ModelFormatException}, about {@code metadata}, when two texts are the same. */
    TextIndex textTokens(GgufMetadata metadata) {
        TextIndex index = new TextIndex(textBytes, textEnds);
        for (int id = 0; id < kinds.length; id++) {
            int other = kinds[id] == TokenKind.TEXT ? index.add(id) : NONE;
            if (other != NONE) {
                throw duplicate(metadata, other, id, text(id));
            }
        }
        return index;
    }

    private static TokenKind kind(GgufMetadata metadata, int id, int type, String text) {
        return TokenKind.of(type, text).orElseThrow(() -> metadata.unexpected(TYPES, "types 1 to 6", "type " + type + " of token " + id));
    }

    private void addText(int id, String text) {
        if (text.codePointCount(0, text.length()) == 1) {
            characterTokens[text.codePointAt(0)] = id;
        }
        if (text.startsWith("\n") && text.chars().allMatch(character -> character == '\n')) {
            newlineRunTokens.put(text.length(), id);
        }
    }

    private void addByte(GgufMetadata metadata, int id, String text) {
        if (!BYTE_TEXT.matcher(text).matches()) {
            throw metadata.unexpected(TOKENS, "a byte token '<0x00>' to '<0xFF>'", "'" + text + "' as token " + id);
        }
        int other = byteTokens[byteValue(text)];
        if (other != NONE) {
            throw duplicate(metadata, other, id, text);
        }
        byteTokens[byteValue(text)] = id;
    }

    private void addControl(GgufMetadata metadata, int id, String text) {
        Integer other = controlTokens.put(text, id);
        if (other != null) {
            throw duplicate(metadata, other, id, text);
        }
    }

    private static ModelFormatException duplicate(GgufMetadata metadata, int first, int second, String text) {
        return metadata.unexpected(TOKENS, "different texts for all tokens", "'" + text + "' as tokens " + first + " and " + second);
    }

    private static int byteValue(String text) {
        return Integer.parseInt(text, 3, 5, 16);
    }
}
