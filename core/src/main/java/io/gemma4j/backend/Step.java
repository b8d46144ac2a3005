package io.gemma4j.backend;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * One pass through the layers: a token in each row, of any number of sequences. Rows of one sequence stand together and have consecutive
 * positions. Prefill is a step with many rows of one sequence, decoding one with a row of each. Immutable.
 */
public final class Step {
    /** Rows of one sequence. */
    public record Span(KvCache cache, int firstRow, int rows, int firstPosition) {}

    private final int[] tokens;
    private final int[] positions;
    private final List<Span> spans;
    private final int[] logitRows;

    private Step(int[] tokens, int[] positions, List<Span> spans, int[] logitRows) {
        this.tokens = tokens;
        this.positions = positions;
        this.spans = spans;
        this.logitRows = logitRows;
    }

    /** Which rows of a step want logits. */
    public enum LogitRows {
        NONE,
        LAST,
        ALL
    }

    /**
     * What a step adds to one sequence.
     *
     * @param cache of the sequence; holds what comes before
     * @param tokens the next ones, at least one
     * @param wanted which of them want logits
     */
    public record Sequence(KvCache cache, int[] tokens, LogitRows wanted) {}

    /**
     * The next {@code tokens} of one sequence.
     *
     * @throws IllegalArgumentException if there is no token, or more than the cache has room for
     */
    public static Step of(KvCache cache, int[] tokens, LogitRows wanted) {
        return of(List.of(new Sequence(cache, tokens, wanted)));
    }

    /**
     * The next tokens of several sequences, whose rows come one sequence after the other.
     *
     * @throws IllegalArgumentException if there is no sequence, one occurs twice, has no token, or more than its cache has room for
     */
    public static Step of(List<Sequence> sequences) {
        IntStream.Builder tokens = IntStream.builder();
        IntStream.Builder positions = IntStream.builder();
        IntStream.Builder logitRows = IntStream.builder();
        List<Span> spans = new ArrayList<>();
        Set<KvCache> caches = Collections.newSetFromMap(new IdentityHashMap<>());
        int row = 0;
        for (Sequence sequence : sequences) {
            int count = sequence.tokens().length;
            int held = sequence.cache().tokens();
            if (count == 0 || count > sequence.cache().contextTokens() - held || !caches.add(sequence.cache())) {
                throw new IllegalArgumentException("a step needs at least one token of each sequence, each sequence once, and room for them: got "
                        + count + " tokens after " + held + " in a cache of " + sequence.cache().contextTokens());
            }
            spans.add(new Span(sequence.cache(), row, count, held));
            int wantedFrom = switch (sequence.wanted()) {
                case NONE -> count;
                case LAST -> count - 1;
                case ALL -> 0;
            };
            for (int i = 0; i < count; i++, row++) {
                tokens.add(sequence.tokens()[i]);
                positions.add(held + i);
                if (i >= wantedFrom) {
                    logitRows.add(row);
                }
            }
        }
        if (spans.isEmpty()) {
            throw new IllegalArgumentException("a step needs at least one sequence");
        }
        return new Step(tokens.build().toArray(), positions.build().toArray(), List.copyOf(spans), logitRows.build().toArray());
    }

    /**
     * The token of one sequence that {@link DeviceSampler} drew last: the host may not know it, {@link #token} is negative.
     *
     * @param queuedRows rows of the sequence that are queued and not in the cache yet
     * @throws IllegalArgumentException if the cache has no room for it
     */
    public static Step ofDrawn(KvCache cache, int queuedRows) {
        int position = cache.tokens() + queuedRows;
        if (position >= cache.contextTokens()) {
            throw new IllegalArgumentException("a step at position " + position + " of a cache of " + cache.contextTokens());
        }
        return new Step(new int[] {-1}, new int[] {position}, List.of(new Span(cache, 0, 1, position)), new int[] {0});
    }

    /** The rows that want logits, as a step of their own: what is left to do once every key and value of the step is stored. */
    public Step onlyLogitRows() {
        if (logitRows.length == tokens.length) {
            return this;
        }
        int[] newTokens = new int[logitRows.length];
        int[] newPositions = new int[logitRows.length];
        int[] newLogitRows = new int[logitRows.length];
        List<Span> newSpans = new ArrayList<>();
        for (int i = 0; i < logitRows.length; i++) {
            newTokens[i] = tokens[logitRows[i]];
            newPositions[i] = positions[logitRows[i]];
            newLogitRows[i] = i;
            newSpans.add(new Span(spanOf(logitRows[i]).cache(), i, 1, newPositions[i]));
        }
        return new Step(newTokens, newPositions, List.copyOf(newSpans), newLogitRows);
    }

    private Span spanOf(int row) {
        for (Span span : spans) {
            if (row < span.firstRow() + span.rows()) {
                return span;
            }
        }
        throw new IndexOutOfBoundsException(row);
    }

    /** Rows, i.e. tokens. */
    public int rows() {
        return tokens.length;
    }

    /** The token of a row. */
    public int token(int row) {
        return tokens[row];
    }

    /** The position of a row in its sequence. */
    public int position(int row) {
        return positions[row];
    }

    /** The sequences' rows, in order. */
    public List<Span> spans() {
        return spans;
    }

    /** Number of rows that want logits. */
    public int logitRowCount() {
        return logitRows.length;
    }

    /** The {@code i}-th row that wants logits. */
    public int logitRow(int i) {
        return logitRows[i];
    }
}
