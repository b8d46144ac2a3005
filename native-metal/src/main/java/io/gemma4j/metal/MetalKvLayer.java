package io.gemma4j.metal;

import io.gemma4j.backend.KvLayer;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.KvStore;
import java.util.List;
import java.util.function.Consumer;

/** Keys and values of a layer of a sequence, allocated from the start: the system gives pages when they are first written. */
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
        buffer = MetalBuffer.allocate(device, "keys and values of layer " + layout.layer(), 2 * half);
        slots = new MetalKvSlots(buffer.slice(0, half), buffer.slice(half, half), layout.type(), layout.kvHeads(), layout.headDim(), layout.slots());
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
        int headBytes = layout.headDim() * layout.type().elementBytes();
        return List.of(new MetalKvStore(stream, slots.keys(), layout.kvHeads(), layout.slots(), headBytes),
                new MetalKvStore(stream, slots.values(), layout.kvHeads(), layout.slots(), headBytes));
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
