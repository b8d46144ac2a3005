package io.gemma4j.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;

/** A cache of a ring, a layer that sees everything, another ring and a layer whose window fits its slots, with what it should hold. */
final class TextCache implements AutoCloseable {
    private final Random random;
    private final int context;
    private final int window;
    private final long checkpointBytes;
    private int stepRows;
    private List<StampedLayer> layers;
    private KvCache cache;
    private final List<Long> text = new ArrayList<>();
    private final TreeSet<Integer> places = new TreeSet<>();

    TextCache(Random random, int context, int window, int stepRows, long checkpointBytes) {
        this.random = random;
        this.context = context;
        this.window = window;
        this.checkpointBytes = checkpointBytes;
        this.stepRows = stepRows;
        open();
    }

    private void open() {
        int ring = window + stepRows - 1;
        layers = List.of(new StampedLayer(0, 2, ring), new StampedLayer(1, 1, context), new StampedLayer(2, 1, ring), new StampedLayer(3, 2, context));
        cache = new KvCache(List.copyOf(layers), 4, context, layer -> layer == 1 ? KvCache.NO_WINDOW : window, checkpointBytes);
    }

    private int rows() {
        return Math.min(1 + random.nextInt(stepRows), context - text.size());
    }

    private List<Long> write(int rows) {
        List<Long> stamps = random.longs(rows).boxed().toList();
        cache.begin(rows);
        for (int i = 0; i < rows; i++) {
            for (StampedLayer layer : layers) {
                layer.put(text.size() + i, stamps.get(i));
            }
        }
        return stamps;
    }

    void step() {
        int rows = rows();
        text.addAll(write(rows));
        cache.append(rows);
    }

    void failingStep() {
        write(rows());
    }

    void truncate() {
        int count = random.nextInt(text.size() + 1);
        if (cache.truncate(count)) {
            keep(count);
        }
    }

    void rewind() {
        int count = random.nextInt(4) == 0 || places.isEmpty() ? random.nextInt(text.size() + 1)
                : places.stream().skip(random.nextInt(places.size())).findFirst().orElseThrow();
        int reachable = cache.reachable(count);
        int kept = cache.rewind(count);
        assertEquals(reachable, kept);
        assertTrue(kept <= count);
        if (places.contains(count) && checkpointBytes == Long.MAX_VALUE) {
            assertTrue(kept > count - window, kept + " kept of " + count + " with a checkpoint there");
        }
        keep(kept);
    }

    void checkpoint() {
        int ahead = random.nextInt(3) == 0 ? random.nextInt(stepRows + 1) : 0; // the step that comes to that place may still be running
        cache.checkpoint(Math.min(context, text.size() + ahead));
        if (ahead == 0) {
            places.add(text.size());
        }
    }

    void fork() {
        int count = random.nextInt(2) == 0 ? text.size() : random.nextInt(text.size() + 1);
        KvCache source = cache;
        int reachable = source.reachable(count);
        open();
        int kept = cache.copy(source, count);
        assertEquals(reachable, kept);
        places.clear();
        keep(kept);
        source.close();
    }

    /** Takes what is needed to a cache with rings of another size. */
    void reload(int otherStepRows) {
        int first = cache.firstOfWindows();
        List<KvCache.Part> from = cache.parts(text.size(), first, text.size());
        KvCache source = cache;
        stepRows = otherStepRows;
        open();
        List<KvCache.Part> to = cache.parts(text.size(), first, text.size());
        try (Arena arena = Arena.ofConfined()) {
            for (int i = 0; i < from.size(); i++) {
                assertEquals(from.get(i).firstPosition(), to.get(i).firstPosition());
                int count = text.size() - from.get(i).firstPosition();
                MemorySegment bytes = arena.allocate(from.get(i).store().bytes(count));
                from.get(i).store().readPositions(from.get(i).firstPosition(), count, bytes);
                to.get(i).store().writePositions(from.get(i).firstPosition(), count, bytes);
            }
        }
        cache.resume(text.size(), first, text.size());
        places.clear();
        source.close();
    }

    private void keep(int count) {
        text.subList(count, text.size()).clear();
        places.tailSet(count, false).clear();
    }

    /** The cache has as many positions as the text, and the next one would see what it should. */
    void check() {
        assertEquals(text.size(), cache.tokens());
        for (StampedLayer layer : layers) {
            int first = layer.layout().layer() == 1 ? 0 : Math.max(0, text.size() + 1 - window);
            for (int position = first; position < text.size(); position++) {
                assertTrue(layer.holds(position, text.get(position)), "layer " + layer.layout().layer() + " lost position " + position);
            }
        }
    }

    @Override
    public void close() {
        cache.close();
    }
}
