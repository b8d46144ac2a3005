package io.gemma4j.metal;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.Step;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * What kernels read of the latest steps, in shared memory: tokens, positions, and which rows want logits. A step's memory is written again only
 * when the GPU has done with it. Used by one thread at a time. Whoever created it closes it, after the work that reads it.
 */
final class StepInputs implements AutoCloseable {
    // A step, and the same without the rows that want no logits, for each command buffer that is encoded or under way.
    private static final int KEPT = 2 * (MetalStream.IN_FLIGHT + 1);
    private static final int ARRAYS = 3;
    private static final int MINIMUM_ROWS = 64;

    private final MetalDevice device;
    private final MetalStream stream;
    private final Entry[] entries = new Entry[KEPT];
    private int oldest;

    StepInputs(MetalDevice device, MetalStream stream) {
        this.device = device;
        this.stream = stream;
    }

    /**
     * Rows of one sequence that attend together.
     *
     * @param cache of the sequence
     * @param firstRow in the step
     * @param positions of the rows, and of the newest stored key
     */
    record Span(KvCache cache, int firstRow, MetalAttention.Span positions) {

        /** Memory of a layer's keys and values. */
        MetalKvSlots slots(int owner) {
            return ((MetalKvLayer) cache.layer(owner)).slots();
        }
    }

    /** The inputs of one step. */
    static final class Entry {
        private MetalBuffer buffer;
        private int capacityRows;
        private Step step;
        private BufferSlice drawn;
        private List<Span> spans;
        private long lastCommit;

        private BufferSlice ints(int array) {
            return buffer.slice((long) array * capacityRows * Integer.BYTES, (long) capacityRows * Integer.BYTES);
        }

        /** {@code int[rows]}. */
        BufferSlice tokens() {
            return drawn == null ? ints(0) : drawn;
        }

        /** {@code int[rows]}. */
        BufferSlice positions() {
            return ints(1);
        }

        /** {@code int[logitRowCount]}, ascending. */
        BufferSlice logitRows() {
            return ints(2);
        }

        /** The sequences' rows, in order. */
        List<Span> spans() {
            return spans;
        }

        /** The same, with the caches of layer {@code owner}. */
        List<MetalAttention.Sequence> sequences(int owner) {
            return spans.stream().map(span -> new MetalAttention.Sequence(span.firstRow(), span.positions(), span.slots(owner))).toList();
        }
    }

    /**
     * Says where the token of a step is that the host does not know.
     *
     * @param token {@code int}
     */
    void follow(Step step, BufferSlice token) {
        of(step).drawn = token;
    }

    /** The inputs of a step, for work that is encoded now. */
    Entry of(Step step) {
        Entry found = null;
        for (Entry entry : entries) {
            if (entry != null && entry.step == step) {
                found = entry;
            }
        }
        if (found == null) {
            found = replaceOldest(step);
        }
        found.lastCommit = stream.nextCommit();
        return found;
    }

    private Entry replaceOldest(Step step) {
        Entry entry = entries[oldest];
        if (entry == null) {
            entry = new Entry();
            entries[oldest] = entry;
        }
        oldest = (oldest + 1) % KEPT;
        stream.await(entry.lastCommit);
        if (entry.buffer == null || entry.capacityRows < step.rows()) {
            if (entry.buffer != null) {
                entry.buffer.close();
            }
            entry.capacityRows = Math.max(step.rows(), MINIMUM_ROWS);
            entry.buffer = MetalBuffer.allocate(device, "the inputs of a step", (long) ARRAYS * entry.capacityRows * Integer.BYTES);
        }
        MemorySegment memory = entry.buffer.contents();
        for (int row = 0; row < step.rows(); row++) {
            memory.setAtIndex(JAVA_INT, row, step.token(row));
            memory.setAtIndex(JAVA_INT, (long) entry.capacityRows + row, step.position(row));
        }
        for (int i = 0; i < step.logitRowCount(); i++) {
            memory.setAtIndex(JAVA_INT, 2L * entry.capacityRows + i, step.logitRow(i));
        }
        entry.step = step;
        entry.drawn = null;
        entry.spans = spans(step);
        return entry;
    }

    // Rows that stand together again, after those without logits were dropped, attend together.
    private static List<Span> spans(Step step) {
        Map<KvCache, Integer> newest = new IdentityHashMap<>();
        for (Step.Span span : step.spans()) {
            newest.merge(span.cache(), span.firstPosition() + span.rows() - 1, Math::max);
        }
        List<Span> spans = new ArrayList<>();
        for (Step.Span span : step.spans()) {
            Span last = spans.isEmpty() ? null : spans.getLast();
            if (last != null && last.cache() == span.cache() && last.positions().firstPosition() + last.positions().rows() == span.firstPosition()) {
                spans.set(spans.size() - 1, span(span, last.firstRow(), last.positions().rows() + span.rows(), last.positions().firstPosition(), newest));
            } else {
                spans.add(span(span, span.firstRow(), span.rows(), span.firstPosition(), newest));
            }
        }
        return List.copyOf(spans);
    }

    private static Span span(Step.Span span, int firstRow, int rows, int firstPosition, Map<KvCache, Integer> newest) {
        return new Span(span.cache(), firstRow, new MetalAttention.Span(rows, firstPosition, newest.get(span.cache()), span.cache().tailFrom()));
    }

    @Override
    public void close() {
        for (Entry entry : entries) {
            if (entry != null) {
                entry.buffer.close();
            }
        }
    }
}
