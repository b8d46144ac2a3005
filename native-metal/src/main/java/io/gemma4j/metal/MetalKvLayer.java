package io.gemma4j.metal;

import io.gemma4j.KvType;
import io.gemma4j.backend.KvLayer;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.KvStore;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Keys and values of a layer of a sequence, and the tail of them, in one buffer that is allocated from the start: the system gives pages when they are
 * first written.
 */
final class MetalKvLayer implements KvLayer {
    private final MetalStream stream;
    private final KvLayerLayout layout;
    private final MetalBuffer buffer;
    private final MetalKvSlots slots;
    private final Consumer<MetalKvLayer> onClose;

    /**
     * Allocates it.
     *
     * @param stream that steps use
     * @param onClose told when it is closed first
     */
    MetalKvLayer(MetalDevice device, MetalStream stream, KvLayerLayout layout, Consumer<MetalKvLayer> onClose) {
        this.stream = stream;
        this.layout = layout;
        this.onClose = onClose;
        long half = MetalKvSlots.bytes(layout.slots(), layout.kvHeads(), layout.headDim(), layout.type());
        long tailHalf = MetalKvSlots.bytes(layout.tailSlots(), layout.kvHeads(), layout.headDim(), KvType.F16);
        buffer = MetalBuffer.allocate(device, "keys and values of layer " + layout.layer(), 2 * (half + tailHalf));
        MetalKvSlots.Tail tail = layout.tailSlots() == 0 ? null
                : new MetalKvSlots.Tail(buffer.slice(2 * half, tailHalf), buffer.slice(2 * half + tailHalf, tailHalf), layout.tailSlots());
        slots = new MetalKvSlots(buffer.slice(0, half), buffer.slice(half, half), layout.type(), layout.kvHeads(), layout.headDim(), layout.slots(), tail);
    }

    @Override
    public KvLayerLayout layout() {
        return layout;
    }

    MetalKvSlots slots() {
        return slots;
    }

    @Override
    public List<KvStore> stores() {
        List<KvStore> stores = new ArrayList<>(List.of(store(slots.keys(), layout.slots(), layout.headBytes()),
                store(slots.values(), layout.slots(), layout.headBytes())));
        if (slots.tail() != null) {
            stores.add(store(slots.tail().keys(), layout.tailSlots(), layout.tailHeadBytes()));
            stores.add(store(slots.tail().values(), layout.tailSlots(), layout.tailHeadBytes()));
        }
        return stores;
    }

    private KvStore store(BufferSlice values, int count, long headBytes) {
        return new MetalKvStore(stream, values, layout.kvHeads(), count, (int) headBytes);
    }

    @Override
    public long bytes() {
        return buffer.bytes();
    }

    @Override
    public void close() {
        buffer.close();
        onClose.accept(this);
    }
}
