package io.gemma4j.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Gemma4Exception;
import io.gemma4j.KvType;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class KvCacheTest {
    private static final int CONTEXT = 60;

    /** The layers with fewer slots than the context have a window. */
    private static KvCache cache(int context, int window, long checkpointBytes, int... slots) {
        List<KvLayer> layers = IntStream.range(0, slots.length).<KvLayer>mapToObj(i -> new StampedLayer(i, 1 + i % 2, slots[i])).toList();
        return new KvCache(layers, slots.length, context, layer -> slots[layer] < context ? window : KvCache.NO_WINDOW, checkpointBytes);
    }

    /** Against a ring that notes which position was written last to each slot. */
    @Property(tries = 1000)
    void positionsCanBeForgottenAsLongAsTheRingStillHoldsWhatTheNextOneSees(@ForAll Random random, @ForAll @IntRange(min = 2, max = 9) int window,
            @ForAll @IntRange(min = 1, max = 7) int stepRows) {
        int ring = window + stepRows - 1;
        try (KvCache cache = cache(CONTEXT, window, 0, ring, CONTEXT)) {
            int[] written = new int[ring];
            Arrays.fill(written, -1);
            for (int i = 0; i < 80; i++) {
                int tokens = cache.tokens();
                int rows = Math.min(1 + random.nextInt(stepRows), CONTEXT - tokens);
                switch (random.nextInt(4)) {
                    case 0 -> { // a step that fails after some of its rows
                        cache.begin(rows);
                        write(written, tokens, rows);
                    }
                    case 1 -> {
                        int count = Math.min(tokens, 1 + random.nextInt(tokens + 1));
                        boolean possible = true;
                        for (int position = Math.max(0, count + 1 - window); position < count; position++) {
                            possible &= written[position % ring] == position;
                        }
                        assertEquals(possible ? count : 0, cache.reachable(count));
                        boolean done = cache.truncate(count);
                        assertEquals(possible, done);
                        assertEquals(done ? count : tokens, cache.tokens());
                    }
                    default -> {
                        cache.begin(rows);
                        write(written, tokens, rows);
                        cache.append(rows);
                    }
                }
            }
        }
    }

    private static void write(int[] ring, int from, int rows) {
        for (int position = from; position < from + rows; position++) {
            ring[position % ring.length] = position;
        }
    }

    @Test
    void ringGoesBackAsFarAsTheLongestStep() {
        try (KvCache cache = cache(100, 4, 0, 4 + 8 - 1, 100)) {
            cache.append(50);
            assertFalse(cache.truncate(41));
            assertEquals(50, cache.tokens());
            assertTrue(cache.truncate(42));
            assertEquals(42, cache.tokens());
            cache.clear();
            cache.append(11);
            assertTrue(cache.truncate(0));
            assertThrows(IllegalArgumentException.class, () -> cache.truncate(1));
            assertThrows(IllegalArgumentException.class, () -> cache.truncate(-1));
        }
    }

    @Test
    void cacheWithoutRingsGoesBackAnywhere() {
        try (KvCache cache = cache(100, 4, 0, 100)) {
            cache.append(100);
            assertTrue(cache.truncate(3));
            assertEquals(3, cache.tokens());
        }
    }

    @Test
    void checkpointsTakeNoMoreMemoryThanTheyMayAndNoneBeforeTheyAreNeeded() {
        int window = 4;
        long one = 5 * 16; // a position more than the window, keys and values of 8 bytes
        try (KvCache cache = cache(200, window, 2 * one, window + 2, 200)) {
            long without = cache.bytes();
            for (int place = 10; place <= 190; place += 10) {
                cache.begin(10);
                cache.append(10);
                cache.checkpoint(place);
                assertEquals(without + Math.min(2, (place - 1) / 10) * (4 * 16), cache.bytes(), "at " + place);
            }
            assertEquals(180, cache.reachable(182));
            assertEquals(179, cache.reachable(179));
            assertEquals(170, cache.reachable(178));
            assertEquals(0, cache.reachable(168));
            cache.clear();
            assertEquals(without, cache.bytes());
        }
    }

    @Test
    void checkpointThatCannotBeRestoredLeavesAnEmptyCache() {
        for (int write = 1; write <= 5; write++) {
            StampedLayer ring = new StampedLayer(0, 1, 6);
            try (KvCache cache = new KvCache(List.of(ring, new StampedLayer(1, 1, 100)), 2, 100, layer -> layer == 0 ? 4 : KvCache.NO_WINDOW, 1000)) {
                cache.begin(9);
                cache.append(9);
                cache.checkpoint(9);
                cache.begin(10);
                cache.append(10);
                ring.failWrite(write);
                if (write <= 4) { // keys and values, both across the end of the ring
                    assertThrows(Gemma4Exception.class, () -> cache.rewind(9));
                    assertEquals(0, cache.tokens());
                    cache.begin(5);
                    cache.append(5);
                    assertTrue(cache.truncate(3));
                } else {
                    assertEquals(9, cache.rewind(9));
                }
            }
        }
    }

    @Property(tries = 2000)
    void whateverIsDoneTheNextPositionSeesItsText(@ForAll Random random, @ForAll @IntRange(min = 2, max = 9) int window,
            @ForAll @IntRange(min = 1, max = 7) int stepRows, @ForAll @IntRange(min = 0, max = 3) int budget) {
        long checkpointBytes = new long[] {0, 200, 1000, Long.MAX_VALUE}[budget];
        TextCache text = new TextCache(random, CONTEXT, window, stepRows, checkpointBytes);
        for (int i = 0; i < 150; i++) {
            switch (random.nextInt(12)) {
                case 0 -> text.failingStep();
                case 1 -> text.truncate();
                case 2 -> text.rewind();
                case 3, 4 -> text.checkpoint();
                case 5 -> text.fork();
                case 6 -> text.reload(1 + random.nextInt(7));
                default -> text.step();
            }
            text.check();
        }
        text.close();
    }

    /** Against a tail that notes which position was written last to each slot. */
    @Property(tries = 1000)
    void aTailIsReadOnlyWhereItHoldsWhatIsRead(@ForAll Random random, @ForAll @IntRange(min = 1, max = 200) int stepRows,
            @ForAll @IntRange(min = 1, max = 3000) int context) {
        KvLayerLayout layout = KvLayerLayout.of(0, 1, 32, context, KvType.TQ4, stepRows);
        int[] written = new int[layout.tailSlots()];
        Arrays.fill(written, -1);
        try (KvCache cache = new KvCache(List.of(new StampedLayer(layout)), 1, context)) {
            boolean forgotten = false;
            for (int i = 0; i < 60; i++) {
                int tokens = cache.tokens();
                int rows = Math.min(1 + random.nextInt(stepRows), context - tokens);
                if (rows == 0 || random.nextInt(8) == 0) {
                    assertTrue(cache.truncate(random.nextBoolean() ? random.nextInt(tokens + 1) : Math.max(0, tokens - random.nextInt(200))));
                    forgotten = true;
                    continue;
                }
                cache.begin(rows);
                write(written, tokens, rows);
                int query = tokens + random.nextInt(rows);
                int from = cache.tailFrom(query);
                assertEquals(0, from % KvLayerLayout.TAIL_TILE);
                for (int position = from; position < tokens + rows; position++) {
                    assertEquals(position, written[position % written.length]);
                }
                assertTrue(forgotten || from <= Math.max(0, query - KvLayerLayout.TAIL_TOKENS + 1), "a tail that was never cut is as long as promised");
                if (random.nextInt(6) > 0) {
                    cache.append(rows);
                }
            }
        }
    }
}
