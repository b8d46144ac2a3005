package io.gemma4j.tokenizer;

import static io.gemma4j.tokenizer.Vocabulary.NONE;

import java.util.Arrays;

/** Finds tokens by their text, in UTF-8: an open-addressing hash table over texts that lie in one block. Only for use while a file is read. */
final class TextIndex {
    private final byte[] texts;
    private final int[] ends;
    private final int[] slots;
    private final int shift;

    /** An empty index for tokens whose texts lie end to end in {@code texts}, token i ending at {@code ends[i]}. */
    TextIndex(byte[] texts, int[] ends) {
        this.texts = texts;
        this.ends = ends;
        int indexBits = Math.max(1, Integer.SIZE - Integer.numberOfLeadingZeros(ends.length) + 1);
        this.shift = Integer.SIZE - indexBits;
        this.slots = new int[1 << indexBits];
        Arrays.fill(slots, NONE);
    }

    /** Adds a token, unless one with its text is there already: returns that one, or {@link Vocabulary#NONE}. */
    int add(int id) {
        int slot = slot(texts, start(id), ends[id]);
        int found = slots[slot];
        if (found == NONE) {
            slots[slot] = id;
        }
        return found;
    }

    /** The token whose text is {@code utf8[from..to)}, or {@link Vocabulary#NONE}. */
    int find(byte[] utf8, int from, int to) {
        return slots[slot(utf8, from, to)];
    }

    /** The slot of the token with that text, or the free one where it would go. */
    private int slot(byte[] utf8, int from, int to) {
        int hash = 0;
        for (int i = from; i < to; i++) {
            hash = 31 * hash + utf8[i];
        }
        int slot = (hash * 0x9E3779B9) >>> shift;
        while (slots[slot] != NONE && !Arrays.equals(utf8, from, to, texts, start(slots[slot]), ends[slots[slot]])) {
            slot = slot + 1 & slots.length - 1;
        }
        return slot;
    }

    private int start(int id) {
        return id == 0 ? 0 : ends[id - 1];
    }
}
