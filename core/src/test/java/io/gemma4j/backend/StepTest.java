package io.gemma4j.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gemma4j.backend.Step.LogitRows;
import io.gemma4j.backend.Step.Sequence;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class StepTest {

    private static KvCache cache(int tokens, int context) {
        KvCache cache = new KvCache(List.of(), 0, context);
        cache.append(tokens);
        return cache;
    }

    private static int[] tokens(Step step) {
        return IntStream.range(0, step.rows()).map(step::token).toArray();
    }

    private static int[] positions(Step step) {
        return IntStream.range(0, step.rows()).map(step::position).toArray();
    }

    private static int[] logitRows(Step step) {
        return IntStream.range(0, step.logitRowCount()).map(step::logitRow).toArray();
    }

    @Test
    void rowsOfOneSequenceContinueIt() {
        KvCache cache = cache(5, 9);
        int[] given = {10, 11, 12};
        Step step = Step.of(cache, given, LogitRows.LAST);
        given[0] = 99;
        assertArrayEquals(new int[] {10, 11, 12}, tokens(step));
        assertArrayEquals(new int[] {5, 6, 7}, positions(step));
        assertArrayEquals(new int[] {2}, logitRows(step));
        assertEquals(List.of(new Step.Span(cache, 0, 3, 5)), step.spans());
        assertArrayEquals(new int[] {}, logitRows(Step.of(cache, given, LogitRows.NONE)));
        assertArrayEquals(new int[] {0, 1, 2}, logitRows(Step.of(cache, given, LogitRows.ALL)));
    }

    @Test
    void sequencesStandOneAfterTheOther() {
        KvCache a = cache(5, 9);
        KvCache b = cache(0, 2);
        KvCache c = cache(100, 200);
        Step step = Step.of(List.of(new Sequence(a, new int[] {1, 2, 3}, LogitRows.LAST), new Sequence(b, new int[] {4, 5}, LogitRows.NONE),
                new Sequence(c, new int[] {6, 7}, LogitRows.ALL)));
        assertArrayEquals(new int[] {1, 2, 3, 4, 5, 6, 7}, tokens(step));
        assertArrayEquals(new int[] {5, 6, 7, 0, 1, 100, 101}, positions(step));
        assertArrayEquals(new int[] {2, 5, 6}, logitRows(step));
        assertEquals(List.of(new Step.Span(a, 0, 3, 5), new Step.Span(b, 3, 2, 0), new Step.Span(c, 5, 2, 100)), step.spans());

        Step some = step.onlyLogitRows();
        assertArrayEquals(new int[] {3, 6, 7}, tokens(some));
        assertArrayEquals(new int[] {7, 100, 101}, positions(some));
        assertArrayEquals(new int[] {0, 1, 2}, logitRows(some));
        assertEquals(List.of(new Step.Span(a, 0, 1, 7), new Step.Span(c, 1, 1, 100), new Step.Span(c, 2, 1, 101)), some.spans());
        assertSame(some, some.onlyLogitRows());
    }

    @Test
    void stepsThatCannotBeAreRefused() {
        KvCache cache = cache(3, 5);
        for (LogitRows wanted : LogitRows.values()) {
            assertThrows(IllegalArgumentException.class, () -> Step.of(cache, new int[0], wanted));
            assertThrows(IllegalArgumentException.class, () -> Step.of(cache, new int[3], wanted));
        }
        assertEquals(2, Step.of(cache, new int[2], LogitRows.LAST).rows());
        assertThrows(IllegalArgumentException.class, () -> Step.of(List.of()));
        Sequence twice = new Sequence(cache, new int[1], LogitRows.LAST);
        assertThrows(IllegalArgumentException.class, () -> Step.of(List.of(twice, twice)));
    }

    @Test
    void cachesCountWhatIsAppendedUpToTheContext() {
        KvCache cache = cache(3, 5);
        assertThrows(IllegalArgumentException.class, () -> cache.append(3));
        assertThrows(IllegalArgumentException.class, () -> cache.append(-1));
        assertEquals(3, cache.tokens());
        cache.append(2);
        assertEquals(5, cache.tokens());
        cache.clear();
        assertEquals(0, cache.tokens());
    }
}
