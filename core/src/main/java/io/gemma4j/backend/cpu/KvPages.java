package io.gemma4j.backend.cpu;

import io.gemma4j.Gemma4Exception;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.KvStore;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * One store of keys and values, in pages {@code [kvHeads][slots of a page][bytes of a head]} that are allocated when first written; position {@code p}
 * is in slot {@code p % slots}.
 */
final class KvPages {
    private final KvLayerLayout layout;
    private final Arena arena;
    private final int slots;
    private final int pageSlots;
    private final long headBytes;
    private final MemorySegment[] keyPages;
    private final MemorySegment[] valuePages;

    /** A store in memory of {@code arena}. */
    KvPages(KvLayerLayout layout, Arena arena, int slots, long headBytes) {
        this.layout = layout;
        this.arena = arena;
        this.slots = slots;
        this.headBytes = headBytes;
        pageSlots = Math.min(slots, KvLayerLayout.PAGE_SLOTS);
        int pages = Math.ceilDiv(slots, pageSlots);
        keyPages = new MemorySegment[pages];
        valuePages = new MemorySegment[pages];
    }

    List<KvStore> stores() {
        return List.of(new CpuKvStore(this, keyPages), new CpuKvStore(this, valuePages));
    }

    long bytes() {
        return Stream.of(keyPages, valuePages).flatMap(Stream::of).filter(Objects::nonNull).mapToLong(MemorySegment::byteSize).sum();
    }

    int kvHeads() {
        return layout.kvHeads();
    }

    int slots() {
        return slots;
    }

    long headBytes() {
        return headBytes;
    }

    /** The page that {@code slot} is in. */
    int page(int slot) {
        return slot / pageSlots;
    }

    int slot(int position) {
        return position % slots;
    }

    /** Slots from {@code slot} on that lie together in memory. */
    int contiguousSlots(int slot) {
        return Math.min(pageSlots - slot % pageSlots, slots - slot);
    }

    /**
     * Makes sure that the page of {@code slot} is there.
     *
     * @throws Gemma4Exception if the system has no memory for it
     */
    void reserve(int slot) {
        int page = page(slot);
        if (keyPages[page] == null) {
            long bytes = layout.kvHeads() * pageSlots * headBytes;
            MemorySegment both = allocate(2 * bytes);
            valuePages[page] = both.asSlice(bytes, bytes);
            keyPages[page] = both.asSlice(0, bytes);
        }
    }

    private MemorySegment allocate(long bytes) {
        try {
            return arena.allocate(bytes, 64);
        } catch (OutOfMemoryError e) {
            throw new Gemma4Exception("no memory for " + bytes + " bytes of the key/value cache of layer " + layout.layer()
                    + "; close sessions, or load the model with fewer contextTokens", e);
        }
    }

    MemorySegment keys(int slot) {
        return keyPages[page(slot)];
    }

    MemorySegment values(int slot) {
        return valuePages[page(slot)];
    }

    /** Where a head of a slot starts in its page. */
    long offset(int head, int slot) {
        return ((long) head * pageSlots + slot % pageSlots) * headBytes;
    }
}
