package io.gemma4j.tokenizer;

import static io.gemma4j.tokenizer.Vocabulary.NONE;

import io.gemma4j.gguf.GgufMetadata;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * The merges of a vocabulary: which pairs of tokens join, in which order of preference, and to what. The rank of a merge is its place in
 * the file; of a pair listed twice, the first counts. An open-addressing hash table over pairs of ids. Immutable and thread-safe.
 */
final class MergeTable {
    private static final String MERGES = "tokenizer.ggml.merges";
    private static final long FREE = -1;

    private final long[] pairs;
    private final int[] ranks;
    private final int[] results;
    private final int shift;

    /** Reads the merges from {@code metadata}; throws {@link io.gemma4j.ModelFormatException} unless each joins two text tokens to a third. */
    MergeTable(GgufMetadata metadata, Vocabulary vocabulary) {
        List<String> merges = metadata.strings(MERGES);
        TextIndex tokens = vocabulary.textTokens(metadata);
        // At most half full, so that a probe for an absent pair, the common case, ends soon.
        int indexBits = Math.max(1, Integer.SIZE - Integer.numberOfLeadingZeros(merges.size()) + 1);
        this.shift = Long.SIZE - indexBits;
        this.pairs = new long[1 << indexBits];
        this.ranks = new int[1 << indexBits];
        this.results = new int[merges.size()];
        Arrays.fill(pairs, FREE);
        int rank = 0;
        for (String merge : merges) {
            if (!add(tokens, merge.getBytes(StandardCharsets.UTF_8), rank)) {
                throw metadata.unexpected(MERGES, "two text tokens, separated by a space, that join to a text token",
                        "'" + merge + "' as merge " + rank);
            }
            rank++;
        }
    }

    /** The rank of the merge of two tokens, lower first, or {@link Vocabulary#NONE}. */
    int rank(int left, int right) {
        long pair = pair(left, right);
        int slot = slot(pair);
        return pairs[slot] == pair ? ranks[slot] : NONE;
    }

    /** The token that the merge of that rank makes. */
    int result(int rank) {
        return results[rank];
    }

    /** Adds {@code "left right"}, if the two and what they join to are among {@code tokens}. */
    private boolean add(TextIndex tokens, byte[] merge, int rank) {
        int space = 0;
        while (space < merge.length && merge[space] != ' ') {
            space++;
        }
        if (space == merge.length) {
            return false;
        }
        int left = tokens.find(merge, 0, space);
        int right = tokens.find(merge, space + 1, merge.length);
        System.arraycopy(merge, space + 1, merge, space, merge.length - space - 1);
        int result = tokens.find(merge, 0, merge.length - 1);
        if (left == NONE || right == NONE || result == NONE) {
            return false;
        }
        results[rank] = result;
        long pair = pair(left, right);
        int slot = slot(pair);
        if (pairs[slot] == FREE) {
            pairs[slot] = pair;
            ranks[slot] = rank;
        }
        return true;
    }

    /** The slot that holds {@code pair}, or the free one where it would go. */
    private int slot(long pair) {
        int slot = (int) ((pair * 0x9E3779B97F4A7C15L) >>> shift);
        while (pairs[slot] != pair && pairs[slot] != FREE) {
            slot = slot + 1 & pairs.length - 1;
        }
        return slot;
    }

    private static long pair(int left, int right) {
        return (long) left << Integer.SIZE | right;
    }
}
