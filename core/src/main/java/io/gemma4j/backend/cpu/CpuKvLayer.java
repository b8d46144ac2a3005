package io.gemma4j.backend.cpu;

import io.gemma4j.backend.KvLayer;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.KvStore;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.stream.Stream;

/** Keys and values outside the Java heap. */
final class CpuKvLayer implements KvLayer {
    private final KvLayerLayout layout;
    private final Arena arena = Arena.ofShared();
    private final KvPages first;
    private final KvPages tail;

    CpuKvLayer(KvLayerLayout layout) {
        this.layout = layout;
        first = new KvPages(layout, arena, layout.slots(), layout.headBytes());
        tail = layout.tailSlots() > 0 ? new KvPages(layout, arena, layout.tailSlots(), layout.tailHeadBytes()) : null;
    }

    @Override
    public KvLayerLayout layout() {
        return layout;
    }

    @Override
    public List<KvStore> stores() {
        return tail == null ? first.stores() : Stream.of(first, tail).flatMap(pages -> pages.stores().stream()).toList();
    }

    @Override
    public long bytes() {
        return first.bytes() + (tail == null ? 0 : tail.bytes());
    }

    /** All positions, as the type of the cache has them. */
    KvPages first() {
        return first;
    }

    /** The most recent positions as 16-bit floats; null where the type has no tail. What both stores hold is rotated where there is one. */
    KvPages tail() {
        return tail;
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
