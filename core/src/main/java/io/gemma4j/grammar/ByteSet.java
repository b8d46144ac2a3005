package io.gemma4j.grammar;

/** A set of bytes, or any other 256 bits: bit {@code b} is bit {@code b % 64} of word {@code b / 64}. Immutable and thread-safe. */
record ByteSet(long word0, long word1, long word2, long word3) {
    static final ByteSet NONE = new ByteSet(0, 0, 0, 0);

    /** The bytes from {@code first} to {@code last}, both from 0 to 255. */
    static ByteSet range(int first, int last) {
        return new ByteSet(word(0, first, last), word(1, first, last), word(2, first, last), word(3, first, last));
    }

    private static long word(int index, int first, int last) {
        int from = Math.max(first - 64 * index, 0);
        int to = Math.min(last - 64 * index, 63);
        return from > 63 || to < 0 || from > to ? 0 : -1L >>> 63 - (to - from) << from;
    }

    boolean contains(int value) {
        long word = switch (value >>> 6) {
            case 0 -> word0;
            case 1 -> word1;
            case 2 -> word2;
            default -> word3;
        };
        return (word >>> value & 1) != 0;
    }

    ByteSet or(ByteSet other) {
        return new ByteSet(word0 | other.word0, word1 | other.word1, word2 | other.word2, word3 | other.word3);
    }

    ByteSet and(ByteSet other) {
        return new ByteSet(word0 & other.word0, word1 & other.word1, word2 & other.word2, word3 & other.word3);
    }

    /** The bytes that differ from the byte before them in being in this set; 0 if it is in it. */
    ByteSet boundaries() {
        return new ByteSet(word0 ^ word0 << 1, word1 ^ (word1 << 1 | word0 >>> 63), word2 ^ (word2 << 1 | word1 >>> 63),
                word3 ^ (word3 << 1 | word2 >>> 63));
    }

    boolean isEmpty() {
        return (word0 | word1 | word2 | word3) == 0;
    }

    /** A byte of this set, which is not empty: if possible a letter, a digit or at least something that can be printed. */
    byte plainest() {
        if (contains('a')) {
            return 'a';
        }
        for (int value = '0'; value < 0x100; value++) {
            if (contains(value)) {
                return (byte) value;
            }
        }
        int value = ' ';
        while (value < '0' && !contains(value)) {
            value++;
        }
        if (value == '0') {
            value = 0;
            while (!contains(value)) {
                value++;
            }
        }
        return (byte) value;
    }
}
