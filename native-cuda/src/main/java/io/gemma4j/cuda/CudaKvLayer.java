package io.gemma4j.cuda;

import io.gemma4j.backend.KvLayer;
import io.gemma4j.backend.KvLayerLayout;
import java.util.function.Consumer;

/** Keys and values in device memory, each {@code [kvHeads][slots]} of heads, then the tails of both, all allocated from the start. */
final class CudaKvLayer implements KvLayer {
    private final KvLayerLayout layout;
    private final CudaBuffer buffer;
    private final Consumer<CudaKvLayer> onClose;

    /**
     * Allocates it.
     *
     * @param onClose told when it is closed first
     */
    CudaKvLayer(CudaContext context, KvLayerLayout layout, Consumer<CudaKvLayer> onClose) {
        this.layout = layout;
        this.onClose = onClose;
        buffer = CudaBuffer.allocate(context, "keys and values of layer " + layout.layer(), 2 * (halfBytes(layout) + tailHalfBytes(layout)));
    }

    private static long halfBytes(KvLayerLayout layout) {
        return layout.kvHeads() * layout.slots() * layout.headBytes();
    }

    private static long tailHalfBytes(KvLayerLayout layout) {
        return layout.kvHeads() * layout.tailSlots() * layout.tailHeadBytes();
    }

    @Override
    public KvLayerLayout layout() {
        return layout;
    }

    DevicePointer keys() {
        return buffer.pointer();
    }

    DevicePointer values() {
        return buffer.pointer().plus(halfBytes(layout));
    }

    /** The tail of the keys; not to be read where the layout has no tail. */
    DevicePointer tailKeys() {
        return buffer.pointer().plus(2 * halfBytes(layout));
    }

    /** The tail of the values. */
    DevicePointer tailValues() {
        return tailKeys().plus(tailHalfBytes(layout));
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
