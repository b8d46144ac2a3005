package io.gemma4j.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.gemma4j.backend.Step;
import java.lang.foreign.MemorySegment;
import java.util.SortedSet;

/**
 * What kernels read of a step, in device memory: tokens, positions, which sequence each row belongs to, which rows want logits, and for every
 * layer that owns keys and values where each sequence has them. Used by one thread at a time. Whoever created it closes it.
 */
final class StepInputs implements AutoCloseable {
    private static final int INT_ARRAYS = 4;
    // keys, values, slots, tail slots, tail keys, tail values, where the tail begins, padding, norm of derived keys
    private static final int CACHE_BYTES = 56;
    private static final int MINIMUM_ROWS = 16;

    private final CudaContext context;
    private final CudaEvent copied;
    private final Runnable onMove;
    private Step step;
    private PinnedMemory pinned;
    private CudaBuffer device;
    private int capacityRows;
    private SortedSet<Integer> owners;

    /**
     * Allocates nothing yet.
     *
     * @param onMove told when the memory of earlier steps is no longer valid
     */
    StepInputs(CudaContext context, Runnable onMove) {
        this.context = context;
        this.onMove = onMove;
        this.copied = new CudaEvent(context);
    }

    /** What is in memory. */
    Step step() {
        return step;
    }

    /** Whether {@code current} is what is in memory. */
    boolean holds(Step current) {
        return step == current;
    }

    /**
     * Brings a step to the device.
     *
     * @param owningLayers the layers that own keys and values
     */
    void set(Step current, SortedSet<Integer> owningLayers, CudaStream stream) {
        reserve(current.rows(), owningLayers);
        copied.synchronize();
        MemorySegment memory = pinned.segment();
        int span = 0;
        for (int row = 0; row < current.rows(); row++) {
            Step.Span at = current.spans().get(span);
            if (row == at.firstRow() + at.rows()) {
                span++;
            }
            memory.setAtIndex(JAVA_INT, row, current.token(row));
            memory.setAtIndex(JAVA_INT, capacityRows + row, current.position(row));
            memory.setAtIndex(JAVA_INT, 2L * capacityRows + row, span);
        }
        for (int i = 0; i < current.logitRowCount(); i++) {
            memory.setAtIndex(JAVA_INT, 3L * capacityRows + i, current.logitRow(i));
        }
        long at = cachesOffset();
        for (int owner : owners) {
            for (int i = 0; i < current.spans().size(); i++) {
                // Null where a step is only for embedding, or the sequence has other layers.
                if (current.spans().get(i).cache().layer(owner) instanceof CudaKvLayer layer) {
                    long entry = at + (long) i * CACHE_BYTES;
                    memory.set(JAVA_LONG, entry, layer.keys().address());
                    memory.set(JAVA_LONG, entry + 8, layer.values().address());
                    memory.set(JAVA_INT, entry + 16, layer.layout().slots());
                    memory.set(JAVA_INT, entry + 20, layer.layout().tailSlots());
                    memory.set(JAVA_LONG, entry + 24, layer.tailKeys().address());
                    memory.set(JAVA_LONG, entry + 32, layer.tailValues().address());
                    // Changes only when positions are forgotten, and then a step that the host knows is set before the next is repeated.
                    memory.set(JAVA_INT, entry + 40, current.spans().get(i).cache().tailFrom());
                    memory.set(JAVA_LONG, entry + 48, layer.derived() == null ? 0 : layer.derived().norm().address());
                }
            }
            at += (long) capacityRows * CACHE_BYTES;
        }
        stream.upload(memory, device.pointer());
        copied.record(stream);
        step = current;
    }

    /** What is on the device is {@code current}: kernels have changed it since it was {@link #set}. */
    void follow(Step current) {
        step = current;
    }

    private void reserve(int rows, SortedSet<Integer> owningLayers) {
        if (device != null && rows <= capacityRows && owningLayers.equals(owners)) {
            return;
        }
        releaseMemory();
        owners = owningLayers;
        capacityRows = Math.max(rows, MINIMUM_ROWS);
        long bytes = cachesOffset() + (long) owners.size() * capacityRows * CACHE_BYTES;
        pinned = new PinnedMemory(context, bytes);
        pinned.segment().fill((byte) 0);
        device = CudaBuffer.allocate(context, "the inputs of a step", bytes);
    }

    private long cachesOffset() {
        return INT_ARRAYS * Math.ceilDiv((long) capacityRows, 4L) * 4 * Integer.BYTES;
    }

    private DevicePointer ints(int array) {
        return device.pointer().plus((long) array * capacityRows * Integer.BYTES);
    }

    /** {@code int[rows]}. */
    DevicePointer tokens() {
        return ints(0);
    }

    /** {@code int[rows]}. */
    DevicePointer positions() {
        return ints(1);
    }

    /** {@code int[rows]}: places in {@link #caches}. */
    DevicePointer sequences() {
        return ints(2);
    }

    /** {@code int[logitRowCount]}. */
    DevicePointer logitRows() {
        return ints(3);
    }

    /** Where each sequence has the keys and values of a layer: records as {@code attention.md} describes them. */
    DevicePointer caches(int owner) {
        int place = owners.headSet(owner).size();
        return device.pointer().plus(cachesOffset() + (long) place * capacityRows * CACHE_BYTES);
    }

    private void releaseMemory() {
        step = null;
        if (device != null) {
            onMove.run();
            copied.synchronize();
            device.close();
            pinned.close();
            device = null;
        }
    }

    @Override
    public void close() {
        releaseMemory();
        copied.close();
    }
}
