package io.gemma4j.bench.synth;

import io.gemma4j.gguf.GgufValueType;
import io.gemma4j.gguf.GgufWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A tokenizer of the published size and structure: the same control tokens, runs of newlines and spaces and byte tokens at the same ids, then
 * printable characters, and, in place of words, all short strings of letters with the merges that lead there.
 */
final class SyntheticVocabulary {
    /** Number of tokens of the published vocabulary. */
    static final int PUBLISHED_SIZE = 262_144;

    private static final String LETTERS = "\u2581etaoinshrdlucmfwypvbgkjqxz";
    private static final int TEXT = 1;
    private static final int UNKNOWN = 2;
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;
    private static final int UNUSED = 5;
    private static final int BYTE = 6;
    private static final int LONGEST_RUN = 31;

    private final List<String> tokens = new ArrayList<>();
    private final List<Integer> types = new ArrayList<>();
    private final List<String> merges = new ArrayList<>();
    private final int size;

    private SyntheticVocabulary(int size) {
        this.size = size;
    }

    /**
     * Puts a tokenizer into a file.
     *
     * @param size number of tokens; at least 1024
     */
    static void put(int size, GgufWriter writer) {
        if (size < 1024) {
            throw new IllegalArgumentException("vocabulary: expected at least 1024 tokens, found " + size);
        }
        SyntheticVocabulary vocabulary = new SyntheticVocabulary(size);
        vocabulary.addStructure();
        vocabulary.addRuns('\n', 1);
        vocabulary.addRuns('\u2581', 2);
        // Where the published one has tags of HTML.
        vocabulary.fillUnused(238);
        for (int value = 0; value < 256; value++) {
            vocabulary.add("<0x%02X>".formatted(value), BYTE);
        }
        vocabulary.addText();
        vocabulary.putInto(writer);
    }

    private void addStructure() {
        for (String token : List.of("<pad>", "<eos>", "<bos>")) {
            add(token, CONTROL);
        }
        add("<unk>", UNKNOWN);
        add("<mask>", CONTROL);
        fillUnused(46);
        add("<|tool>", CONTROL);
        add("<tool|>", CONTROL);
        for (String token : List.of("<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>", "<|\"|>")) {
            add(token, USER_DEFINED);
        }
        fillUnused(98);
        add("<|think|>", CONTROL);
        fillUnused(100);
        add("<|channel>", USER_DEFINED);
        add("<channel|>", USER_DEFINED);
        fillUnused(105);
        add("<|turn>", CONTROL);
        add("<turn|>", CONTROL);
    }

    private void fillUnused(int end) {
        while (tokens.size() < end) {
            add("<unused" + tokens.size() + ">", UNUSED);
        }
    }

    /** Runs up to the longest, and their merges, longest first so that they win. */
    private void addRuns(char character, int shortest) {
        String longest = String.valueOf(character).repeat(LONGEST_RUN);
        for (int length = shortest; length <= LONGEST_RUN; length++) {
            add(longest.substring(0, length), USER_DEFINED);
        }
        for (int length = LONGEST_RUN; length >= 2; length--) {
            for (int left = length - 1; left >= 1; left--) {
                merges.add(longest.substring(0, left) + " " + longest.substring(0, length - left));
            }
        }
    }

    private void addText() {
        Set<String> characters = new HashSet<>();
        List<String> previous = new ArrayList<>();
        for (char letter : LETTERS.toCharArray()) {
            previous.add(String.valueOf(letter));
        }
        characters.addAll(previous);
        previous.forEach(letter -> add(letter, TEXT));
        for (char character = '!'; character <= '\u017f'; character++) {
            if ((character <= '~' || character >= '\u00a1') && characters.add(String.valueOf(character))) {
                add(String.valueOf(character), TEXT);
            }
        }
        // Every string of letters, shortest and most frequent letters first; a space stands only at the beginning, as in words.
        String following = LETTERS.substring(1);
        while (tokens.size() < size) {
            List<String> longer = new ArrayList<>();
            for (String start : previous) {
                for (int i = 0; i < following.length() && tokens.size() < size; i++) {
                    longer.add(start + following.charAt(i));
                    add(longer.getLast(), TEXT);
                    merges.add(start + " " + following.charAt(i));
                }
            }
            previous = longer;
        }
    }

    private void add(String token, int type) {
        tokens.add(token);
        types.add(type);
    }

    private void putInto(GgufWriter writer) {
        writer.put("tokenizer.ggml.model", "gemma4")
                .putArray("tokenizer.ggml.tokens", tokens, GgufValueType.STRING)
                .putArray("tokenizer.ggml.scores", Collections.nCopies(size, 0f), GgufValueType.F32)
                .putArray("tokenizer.ggml.token_type", types, GgufValueType.I32)
                .putArray("tokenizer.ggml.merges", merges, GgufValueType.STRING)
                .put("tokenizer.ggml.bos_token_id", GgufValueType.U32, tokens.indexOf("<bos>"))
                .put("tokenizer.ggml.eos_token_id", GgufValueType.U32, tokens.indexOf("<turn|>"))
                .put("tokenizer.ggml.padding_token_id", GgufValueType.U32, tokens.indexOf("<pad>"))
                .put("tokenizer.ggml.unknown_token_id", GgufValueType.U32, tokens.indexOf("<unk>"))
                .put("tokenizer.ggml.add_space_prefix", false)
                .put("tokenizer.ggml.add_bos_token", true);
    }
}
