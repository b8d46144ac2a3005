package io.gemma4j.metal;

import io.gemma4j.KvType;
import io.gemma4j.backend.KvLayer;
import io.gemma4j.backend.KvLayerLayout;
import java.util.function.Consumer;

/**
 * Keys and values of a layer of a sequence, and the tail of them, in one buffer that is allocated from the start: the system gives pages when they are
 * first written.
 */
final class MetalKvLayer implements KvLayer {
    private final KvLayerLayout layout;
    private final MetalBuffer buffer;
    private final MetalKvSlots slots;
    private final Consumer<MetalKvLayer> onClose;

    /**
     * Allocates it.
     *
     * @param onClose told when it is closed first
     */
    MetalKvLayer(MetalDevice device, KvLayerLayout layout, Consumer<MetalKvLayer> onClose) {
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

    long bytes() {
        return buffer.bytes();
    }

    @Override
    public void close() {
        buffer.close();
        onClose.accept(this);
    }
}
