package io.gemma4j.backend;

import java.util.ArrayList;
import java.util.List;

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

    /** The next {@code tokens} of one sequence. */
    public static Step of(KvCache cache, int[] tokens, LogitRows wanted) {
        int count = tokens.length;
        int first = cache.tokens();
        int[] positions = new int[count];
        for (int row = 0; row < count; row++) {
            positions[row] = first + row;
        }
        int from = switch (wanted) {
            case NONE -> count;
            case LAST -> count - 1;
            case ALL -> 0;
        };
        int[] logitRows = new int[count - from];
        for (int i = 0; i < logitRows.length; i++) {
            logitRows[i] = from + i;
        }
        return new Step(tokens.clone(), positions, List.of(new Span(cache, 0, count, first)), logitRows);
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
