package io.gemma4j.cuda;

import io.gemma4j.backend.AttentionWeights;
import io.gemma4j.backend.KvLayer;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.KvStore;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Keys and values in device memory, each {@code [kvHeads][slots]} of heads, then the tails of both, all allocated from the start. Of {@link DerivedKeys} there is
 * what is stored.
 */
final class CudaKvLayer implements KvLayer {
    private final CudaStream stream;
    private final KvLayerLayout layout;
    private final DerivedKeys derived;
    private final CudaBuffer buffer;
    private final Consumer<CudaKvLayer> onClose;

    /**
     * Allocates it.
     *
     * @param stream that steps use
     * @param derived null where keys are stored as a whole
     * @param onClose told when it is closed first
     */
    CudaKvLayer(CudaStream stream, KvLayerLayout layout, DerivedKeys derived, Consumer<CudaKvLayer> onClose) {
        this.stream = stream;
        this.layout = layout;
        this.derived = derived;
        this.onClose = onClose;
        buffer = CudaBuffer.allocate(stream.context(), "keys and values of layer " + layout.layer(), bytes(layout, derived != null));
    }

    /** Device memory of a layer. */
    static long bytes(KvLayerLayout layout, boolean derived) {
        return layout.kvHeads() * (layout.slots() * (keyBytes(layout, derived) + layout.headBytes()) + 2 * layout.tailSlots() * layout.tailHeadBytes());
    }

    /** What is stored of the key of a head, in bytes. */
    private static long keyBytes(KvLayerLayout layout, boolean derived) {
        return derived ? layout.type().headBytes(2 * DerivedKeys.PAIRS) : layout.headBytes();
    }

    private long keyBytes() {
        return keyBytes(layout, derived != null);
    }

    @Override
    public KvLayerLayout layout() {
        return layout;
    }

    /** What keys follow from, or null where they are stored as a whole. */
    DerivedKeys derived() {
        return derived;
    }

    /** The norm of queries of this cache. */
    DevicePointer queryNorm(AttentionWeights w) {
        CudaWeight norm = (CudaWeight) w.queryNorm();
        return derived == null ? norm.vector() : derived.queryNorm(norm);
    }

    /** The norm of keys as they are stored here, or null where the layer stores none. */
    DevicePointer keyNorm(AttentionWeights w) {
        return !w.ownsKv() ? DevicePointer.NULL : derived == null ? ((CudaWeight) w.keyNorm()).vector() : derived.keyNorm();
    }

    DevicePointer keys() {
        return buffer.pointer();
    }

    DevicePointer values() {
        return buffer.pointer().plus(valuesOffset());
    }

    private long valuesOffset() {
        return layout.kvHeads() * layout.slots() * keyBytes();
    }

    private long tailOffset() {
        return valuesOffset() + layout.kvHeads() * layout.slots() * layout.headBytes();
    }

    private long tailHalfBytes() {
        return layout.kvHeads() * layout.tailSlots() * layout.tailHeadBytes();
    }

    /** The tail of the keys; not to be read where the layout has no tail. */
    DevicePointer tailKeys() {
        return buffer.pointer().plus(tailOffset());
    }

    /** The tail of the values. */
    DevicePointer tailValues() {
        return tailKeys().plus(tailHalfBytes());
    }

    @Override
    public List<KvStore> stores() {
        CudaKvStore keys = store(0, layout.slots(), keyBytes());
        CudaKvStore values = store(valuesOffset(), layout.slots(), layout.headBytes());
        List<KvStore> stores = new ArrayList<>(List.of(derived == null ? keys : new DerivedKeyStore(keys, values, derived), values));
        if (layout.tailSlots() > 0) {
            stores.add(store(tailOffset(), layout.tailSlots(), layout.tailHeadBytes()));
            stores.add(store(tailOffset() + tailHalfBytes(), layout.tailSlots(), layout.tailHeadBytes()));
        }
        return stores;
    }

    private CudaKvStore store(long offset, int slots, long headBytes) {
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
