package io.gemma4j.tokenizer;

import static io.gemma4j.tokenizer.Vocabulary.NONE;

import java.util.Arrays;

/**
 * One text on its way to tokens. The text is split into runs of newlines and runs of everything else; a run of newlines that is a token is
 * taken whole, every other run starts as one symbol a character and merges adjacent symbols, lowest rank first, leftmost first, until
 * none merge: Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", 2016. O(n log n) in the longest run. Not thread-safe.
 */
final class BpeEncoding {
    private static final int END = -1;

    private final Vocabulary vocabulary;
    private final MergeTable merges;
    private int[] ids = new int[64];
    private int idCount;

    // The symbols of a run, a doubly linked list in arrays; ranks[i] is the rank of merging symbol i with the next.
    private int[] symbols = new int[64];
    private int symbolCount;
    private int[] previous = {};
    private int[] next = {};
    private int[] ranks = {};
    private final MergeQueue queue = new MergeQueue();

    BpeEncoding(Vocabulary vocabulary, MergeTable merges) {
        this.vocabulary = vocabulary;
        this.merges = merges;
    }

    /** Appends a token. */
    void addToken(int id) {
        if (idCount == ids.length) {
            ids = Arrays.copyOf(ids, 2 * idCount);
        }
        ids[idCount++] = id;
    }

    /** Appends the tokens of a text. */
    void addText(String text) {
        int start = 0;
        while (start < text.length()) {
            boolean newlines = text.charAt(start) == '\n';
            int end = start + 1;
            while (end < text.length() && text.charAt(end) == '\n' == newlines) {
                end++;
            }
            int whole = newlines ? vocabulary.newlineRunToken(end - start) : NONE;
            if (whole == NONE) {
                addRun(text, start, end);
            } else {
                addToken(whole);
            }
            start = end;
        }
    }

    /** The tokens so far. */
    int[] ids() {
        return Arrays.copyOf(ids, idCount);
    }

    private void addRun(String text, int start, int end) {
        readSymbols(text, start, end);
        linkSymbols();
        mergeSymbols();
        for (int i = 0; i != END; i = next[i]) {
            addToken(symbols[i]);
        }
    }

    private void readSymbols(String text, int start, int end) {
        symbolCount = 0;
        int character;
        for (int i = start; i < end; i += Character.charCount(character)) {
            character = text.codePointAt(i);
            boolean loneSurrogate = character >= Character.MIN_SURROGATE && character <= Character.MAX_SURROGATE;
            int valid = loneSurrogate ? '\ufffd' : character;
            int token = vocabulary.characterToken(valid);
            if (token != NONE) {
                addSymbol(token);
            } else {
                for (int fallback : vocabulary.fallbackTokens(valid)) {
                    addSymbol(fallback);
                }
            }
        }
    }

    private void addSymbol(int token) {
        if (symbolCount == symbols.length) {
            symbols = Arrays.copyOf(symbols, 2 * symbolCount);
        }
        symbols[symbolCount++] = token;
    }

    private void linkSymbols() {
        if (ranks.length < symbolCount) {
            previous = new int[symbols.length];
            next = new int[symbols.length];
            ranks = new int[symbols.length];
        }
        for (int i = 0; i < symbolCount; i++) {
            previous[i] = i - 1;
            next[i] = i + 1 < symbolCount ? i + 1 : END;
        }
    }

    private void mergeSymbols() {
        for (int i = 0; i < symbolCount; i++) {
            queueMerge(i);
        }
        while (!queue.isEmpty()) {
            long merge = queue.remove();
            int left = MergeQueue.position(merge);
            // A rank stands for one pair, so an entry whose pair has changed since shows by its rank.
            if (ranks[left] == MergeQueue.rank(merge)) {
                int right = next[left];
                symbols[left] = merges.result(ranks[left]);
                ranks[right] = NONE;
                next[left] = next[right];
                if (next[left] != END) {
                    previous[next[left]] = left;
                }
                queueMerge(left);
                if (previous[left] != END) {
                    queueMerge(previous[left]);
                }
            }
        }
    }

    private void queueMerge(int left) {
        int right = next[left];
        ranks[left] = right == END ? NONE : merges.rank(symbols[left], symbols[right]);
        if (ranks[left] != NONE) {
            queue.add(ranks[left], left);
        }
    }
}
