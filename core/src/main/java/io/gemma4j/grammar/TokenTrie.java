package io.gemma4j.grammar;

import io.gemma4j.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * The tokens of a vocabulary that are text, as a tree of their bytes, in the order of a walk through it: a node's children come right after it.
 * Also keeps masks that grammars share. Thread-safe.
 */
public final class TokenTrie {
    private final int vocabularySize;
    private final byte[][] texts;
    private final int[] endTokens;
    /** Byte that leads to a node. */
    private final byte[] labels;
    /** First node that is not below a node. */
    private final int[] ends;
    /** Text tokens in the order of their bytes; those of node i begin at {@code firsts[i]} and end where those of node i + 1 begin. */
    private final int[] tokens;
    private final int[] firsts;
    private final int longestBytes;
    private final boolean expressesAllBytes;
    private final Map<String, TerminalMask> terminalMasks = new RecentlyUsed<>(TokenMasks.MAX_MASKS);

    /** Of the tokens of {@code tokenizer}; takes about half a second for the 262144 of Gemma 4. */
    public TokenTrie(Tokenizer tokenizer) {
        vocabularySize = tokenizer.vocabularySize();
        endTokens = tokenizer.endOfGenerationTokens();
        texts = new byte[vocabularySize][];
        for (int token = 0; token < vocabularySize; token++) {
            texts[token] = tokenizer.isText(token) ? tokenizer.tokenBytes(token) : new byte[0];
        }
        tokens = IntStream.range(0, vocabularySize).filter(token -> texts[token].length > 0).boxed()
                .sorted(Comparator.comparing((Integer token) -> texts[token], Arrays::compareUnsigned)).mapToInt(Integer::intValue).toArray();
        longestBytes = IntStream.of(tokens).map(token -> texts[token].length).max().orElse(0);
        int nodes = 1;
        byte[] before = new byte[0];
        for (int token : tokens) {
            nodes += texts[token].length - common(before, texts[token]);
            before = texts[token];
        }
        labels = new byte[nodes];
        ends = new int[nodes];
        firsts = new int[nodes + 1];
        fill();
        expressesAllBytes = IntStream.range(0, 256).map(value -> child(0, (byte) value)).allMatch(node -> node >= 0 && token(node) >= 0);
    }

    private void fill() {
        int[] path = new int[longestBytes + 1];
        byte[] before = new byte[0];
        int node = 0;
        for (int i = 0; i < tokens.length; i++) {
            byte[] text = texts[tokens[i]];
            int common = common(before, text);
            for (int depth = before.length; depth > common; depth--) {
                ends[path[depth]] = node + 1;
            }
            for (int depth = common + 1; depth <= text.length; depth++) {
                node++;
                path[depth] = node;
                labels[node] = text[depth - 1];
                firsts[node] = i;
            }
            before = text;
        }
        for (int depth = before.length; depth >= 0; depth--) {
            ends[path[depth]] = node + 1;
        }
        firsts[node + 1] = tokens.length;
    }

    private static int common(byte[] a, byte[] b) {
        int mismatch = Arrays.mismatch(a, b);
        return mismatch < 0 ? a.length : mismatch;
    }

    /** A mask that grammars share; made by {@code maker} unless it is there. */
    TerminalMask terminalMask(String signature, Supplier<TerminalMask> maker) {
        synchronized (terminalMasks) {
            TerminalMask mask = terminalMasks.get(signature);
            if (mask == null) {
                mask = maker.get();
                terminalMasks.put(signature, mask);
            }
            return mask;
        }
    }

    int vocabularySize() {
        return vocabularySize;
    }

    /** The tokens that end an answer. */
    int[] endTokens() {
        return endTokens;
    }

    /** The bytes of a token; none if it is no text. */
    byte[] text(int token) {
        return texts[token];
    }

    /** The nodes below {@code node} are those from the next one to this one. */
    int end(int node) {
        return ends[node];
    }

    boolean hasChildren(int node) {
        return ends[node] > node + 1;
    }

    byte label(int node) {
        return labels[node];
    }

    /** Room for a bit of each token. */
    long[] emptyMask() {
        return new long[vocabularySize + Long.SIZE - 1 >>> 6];
    }

    /** Where the tokens that end at {@code node} begin among the sorted ones; they end where those of the next node begin. */
    int firstToken(int node) {
        return firsts[node];
    }

    /** A text token, in the order of their bytes. */
    int sortedToken(int index) {
        return tokens[index];
    }

    /** Sets the bits of the tokens that end at {@code node}. */
    void markTokens(int node, long[] mask) {
        for (int i = firsts[node]; i < firsts[node + 1]; i++) {
            mask[tokens[i] >>> 6] |= 1L << tokens[i];
        }
    }

    /** The child of {@code node} under a byte, or -1. */
    int child(int node, byte label) {
        for (int child = node + 1; child < ends[node]; child = ends[child]) {
            if (labels[child] == label) {
                return child;
            }
        }
        return -1;
    }

    /** Bytes of the longest token. */
    int longestBytes() {
        return longestBytes;
    }

    /** Whether every text can be made of tokens, byte by byte if need be. */
    boolean expressesAllBytes() {
        return expressesAllBytes;
    }

    /** A token that ends at {@code node}, or -1. */
    int token(int node) {
        return firsts[node] < firsts[node + 1] ? tokens[firsts[node]] : -1;
    }

    /** The fewest tokens that make up a text; null if none do. */
    int[] segment(byte[] text) {
        int[] counts = new int[text.length + 1];
        int[] chosen = new int[text.length + 1];
        Arrays.fill(counts, Integer.MAX_VALUE);
        counts[text.length] = 0;
        for (int from = text.length - 1; from >= 0; from--) {
            int node = 0;
            for (int to = from; to < text.length && node >= 0; to++) {
                node = child(node, text[to]);
                if (node >= 0 && token(node) >= 0 && counts[to + 1] < counts[from] - 1) {
                    counts[from] = counts[to + 1] + 1;
                    chosen[from] = token(node);
                }
            }
        }
        if (counts[0] == Integer.MAX_VALUE) {
            return null;
        }
        int[] segments = new int[counts[0]];
        int at = 0;
        for (int i = 0; i < segments.length; i++) {
            segments[i] = chosen[at];
            at += texts[chosen[at]].length;
        }
        return segments;
    }
}
