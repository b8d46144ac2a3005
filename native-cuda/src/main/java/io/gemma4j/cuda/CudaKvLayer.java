package io.gemma4j.cuda;

import io.gemma4j.backend.KvLayer;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.KvStore;
import java.util.List;
import java.util.function.Consumer;

/** Keys and values in device memory, each {@code [kvHeads][slots][headDim]}, all allocated from the start. */
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
        buffer = CudaBuffer.allocate(stream.context(), "keys and values of layer " + layout.layer(), 2 * halfBytes(layout));
    }

    private static long halfBytes(KvLayerLayout layout) {
        return (long) layout.kvHeads() * layout.slots() * layout.headDim() * layout.type().elementBytes();
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

    @Override
    public List<KvStore> stores() {
        int headBytes = layout.headDim() * layout.type().elementBytes();
        return List.of(new CudaKvStore(stream, buffer, 0, layout.kvHeads(), layout.slots(), headBytes),
                new CudaKvStore(stream, buffer, halfBytes(layout), layout.kvHeads(), layout.slots(), headBytes));
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
