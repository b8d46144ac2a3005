package io.gemma4j.backend;

import io.gemma4j.Gemma4Exception;
import io.gemma4j.KvType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** A layer of a cache whose heads are numbers that tell what was written. */
final class StampedLayer implements KvLayer {
    private static final ValueLayout.OfLong STAMP = ValueLayout.JAVA_LONG_UNALIGNED;

    private final KvLayerLayout layout;
    private final Stamps keys;
    private final Stamps values;
    private final AtomicInteger writesToFail = new AtomicInteger();

    StampedLayer(int index, int kvHeads, int slots) {
        this(new KvLayerLayout(index, kvHeads, 2, slots, KvType.F32));
    }

    /** The tail, if there is one, is not stored. */
    StampedLayer(KvLayerLayout layout) {
        this.layout = layout;
        int kvHeads = layout.kvHeads();
        int slots = layout.slots();
        keys = new Stamps(kvHeads, slots, new long[kvHeads * slots], writesToFail);
        values = new Stamps(kvHeads, slots, new long[kvHeads * slots], writesToFail);
    }

    private record Stamps(int kvHeads, int slots, long[] stamps, AtomicInteger writesToFail) implements KvStore {
        @Override
        public int headBytes() {
            return Long.BYTES;
        }

        @Override
        public void read(int slot, int count, MemorySegment to, long headStride) {
            for (int i = 0; i < kvHeads * count; i++) {
                to.set(STAMP, i / count * headStride + (long) i % count * Long.BYTES, stamps[i / count * slots + slot + i % count]);
            }
        }

        @Override
        public void write(int slot, int count, MemorySegment from, long headStride) {
            if (writesToFail.get() > 0 && writesToFail.decrementAndGet() == 0) {
                throw new Gemma4Exception("the device does not answer");
            }
            for (int i = 0; i < kvHeads * count; i++) {
                stamps[i / count * slots + slot + i % count] = from.get(STAMP, i / count * headStride + (long) i % count * Long.BYTES);
            }
        }

        @Override
        public void copy(KvStore from, int fromSlot, int slot, int count) {
            Stamps source = (Stamps) from;
            for (int head = 0; head < kvHeads; head++) {
                System.arraycopy(source.stamps, head * source.slots + fromSlot, stamps, head * slots + slot, count);
            }
        }
    }

    /** Has the {@code count}-th write from now fail. */
    void failWrite(int count) {
        writesToFail.set(count);
    }

    /** Stores a position as a step does. */
    void put(int position, long stamp) {
        for (int head = 0; head < layout.kvHeads(); head++) {
            keys.stamps[head * layout.slots() + position % layout.slots()] = stamp + head;
            values.stamps[head * layout.slots() + position % layout.slots()] = -stamp - head;
        }
    }

    /** Whether a position is as it was stored. */
    boolean holds(int position, long stamp) {
        boolean same = true;
        for (int head = 0; head < layout.kvHeads(); head++) {
            same &= keys.stamps[head * layout.slots() + position % layout.slots()] == stamp + head
                    && values.stamps[head * layout.slots() + position % layout.slots()] == -stamp - head;
        }
        return same;
    }

    @Override
    public KvLayerLayout layout() {
        return layout;
    }

    @Override
    public List<KvStore> stores() {
        return List.of(keys, values);
    }

    @Override
    public long bytes() {
        return 16L * layout.kvHeads() * layout.slots();
    }

    @Override
    public void close() {}
}
