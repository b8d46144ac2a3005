package io.gemma4j.cuda;

import io.gemma4j.backend.KvLayer;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.KvStore;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Keys and values in device memory, each {@code [kvHeads][slots]} of heads, then the tails of both, all allocated from the start. */
final class CudaKvLayer implements KvLayer {
    private final CudaStream stream;
    private final KvLayerLayout layout;
    private final CudaBuffer buffer;
    private final Consumer<CudaKvLayer> onClose;

    /**
     * Allocates it.
     *
     * @param stream that steps use
     * @param onClose told when it is closed first
     */
    CudaKvLayer(CudaStream stream, KvLayerLayout layout, Consumer<CudaKvLayer> onClose) {
        this.stream = stream;
        this.layout = layout;
        this.onClose = onClose;
        buffer = CudaBuffer.allocate(stream.context(), "keys and values of layer " + layout.layer(), 2 * (halfBytes(layout) + tailHalfBytes(layout)));
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

    @Override
    public List<KvStore> stores() {
        List<KvStore> stores = new ArrayList<>(List.of(store(0, layout.slots(), layout.headBytes()),
                store(halfBytes(layout), layout.slots(), layout.headBytes())));
        if (layout.tailSlots() > 0) {
            stores.add(store(2 * halfBytes(layout), layout.tailSlots(), layout.tailHeadBytes()));
            stores.add(store(2 * halfBytes(layout) + tailHalfBytes(layout), layout.tailSlots(), layout.tailHeadBytes()));
        }
        return stores;
    }

    private KvStore store(long offset, int slots, long headBytes) {
        return new CudaKvStore(stream, buffer, offset, layout.kvHeads(), slots, (int) headBytes);
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
