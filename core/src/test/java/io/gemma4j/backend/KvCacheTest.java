package io.gemma4j.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.KvType;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class KvCacheTest {
    private record Slots(KvLayerLayout layout) implements KvLayer {
        @Override
        public void close() {}
    }

    private static KvCache cache(int context, int... slots) {
        List<KvLayer> layers = Arrays.stream(slots).<KvLayer>mapToObj(count -> new Slots(new KvLayerLayout(Arrays.binarySearch(slots, count), 1, 1, count,
                KvType.F32))).toList();
        return new KvCache(layers, slots.length, context);
    }

    /** Against a ring that notes which position was written last to each slot. */
    @Property(tries = 1000)
    void positionsCanBeForgottenAsLongAsTheRingStillHoldsWhatTheNextOneSees(@ForAll Random random, @ForAll @IntRange(min = 2, max = 9) int window,
            @ForAll @IntRange(min = 1, max = 7) int stepRows) {
        int context = 60;
        int ring = window + stepRows - 1;
        try (KvCache cache = cache(context, ring, context)) {
            int[] written = new int[ring];
            Arrays.fill(written, -1);
            for (int i = 0; i < 80; i++) {
                int tokens = cache.tokens();
                int rows = Math.min(1 + random.nextInt(stepRows), context - tokens);
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
                        boolean done = cache.truncate(count, window);
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
        try (KvCache cache = cache(100, 4 + 8 - 1, 100)) {
            cache.append(50);
            assertFalse(cache.truncate(41, 4));
            assertEquals(50, cache.tokens());
            assertTrue(cache.truncate(42, 4));
            assertEquals(42, cache.tokens());
            cache.clear();
            cache.append(11);
            assertTrue(cache.truncate(0, 4));
            assertThrows(IllegalArgumentException.class, () -> cache.truncate(1, 4));
            assertThrows(IllegalArgumentException.class, () -> cache.truncate(-1, 4));
        }
    }

    @Test
    void cacheWithoutRingsGoesBackAnywhere() {
        try (KvCache cache = cache(100, 100)) {
            cache.append(100);
            assertTrue(cache.truncate(3, 0));
            assertEquals(3, cache.tokens());
        }
    }

    /** Against a tail that notes which position was written last to each slot. */
    @Property(tries = 1000)
    void aTailIsReadOnlyWhereItHoldsWhatIsRead(@ForAll Random random, @ForAll @IntRange(min = 1, max = 200) int stepRows,
            @ForAll @IntRange(min = 1, max = 3000) int context) {
        KvLayerLayout layout = KvLayerLayout.of(0, 1, 32, context, KvType.TQ4, stepRows);
        int[] written = new int[layout.tailSlots()];
        Arrays.fill(written, -1);
        try (KvCache cache = new KvCache(List.of(new Slots(layout)), 1, context)) {
            boolean forgotten = false;
            for (int i = 0; i < 60; i++) {
                int tokens = cache.tokens();
                int rows = Math.min(1 + random.nextInt(stepRows), context - tokens);
                if (rows == 0 || random.nextInt(8) == 0) {
                    assertTrue(cache.truncate(random.nextBoolean() ? random.nextInt(tokens + 1) : Math.max(0, tokens - random.nextInt(200)), context));
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
