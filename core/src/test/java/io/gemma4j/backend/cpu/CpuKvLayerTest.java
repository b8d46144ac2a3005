package io.gemma4j.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Gemma4Exception;
import io.gemma4j.KvType;
import io.gemma4j.backend.KvLayerLayout;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import org.junit.jupiter.api.Test;

class CpuKvLayerTest {

    @Test
    void bytesOfTheLayoutAreThoseAllocatedForEveryNumberOfTokens() {
        for (KvType type : KvType.values()) {
            for (int slots : new int[] {1, 5, 255, 256, 257, 700, 768}) {
                KvLayerLayout layout = KvLayerLayout.of(0, 2, 32, slots, type, 300);
                CpuKvLayer layer = new CpuKvLayer(layout);
                Set<MemorySegment> pages = Collections.newSetFromMap(new IdentityHashMap<>());
                long bytes = 0;
                for (int position = 0; position < slots + 3; position++) {
                    bytes += newBytes(layer.first(), position, pages);
                    bytes += layer.tail() == null ? 0 : newBytes(layer.tail(), position, pages);
                    assertEquals(bytes, layout.bytes(position + 1), slots + " slots, " + (position + 1) + " tokens, " + type);
                }
                layer.close();
                layer.close();
            }
        }
    }

    private static long newBytes(KvPages store, int position, Set<MemorySegment> pages) {
        int slot = store.slot(position);
        store.reserve(slot);
        return pages.add(store.keys(slot)) ? store.keys(slot).byteSize() + store.values(slot).byteSize() : 0;
    }

    @Test
    void memoryTheSystemDoesNotHaveIsAnExceptionWithTheSize() {
        // 64 TiB: more than the address space of a process has room for at once.
        CpuKvLayer layer = new CpuKvLayer(new KvLayerLayout(3, 1 << 20, 1 << 16, 256, KvType.F16));
        Gemma4Exception e = assertThrows(Gemma4Exception.class, () -> layer.first().reserve(0));
        assertInstanceOf(OutOfMemoryError.class, e.getCause());
        assertTrue(e.getMessage().contains(Long.toString(1L << 46)) && e.getMessage().contains("contextTokens"), e.getMessage());
        layer.close();
    }
}
