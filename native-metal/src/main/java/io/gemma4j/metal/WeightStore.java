package io.gemma4j.metal;

import io.gemma4j.tensor.BlockFormats;
import io.gemma4j.tensor.QuantizedTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * The weights of a model: matrices are read where the file is mapped, without a copy; vectors are decoded. Used by one thread at a time. Whoever
 * created it closes it, before the file is unmapped and after the work that reads it.
 */
final class WeightStore implements AutoCloseable {
    // Kernels read vectors four floats at a time.
    private static final long ALIGNMENT = 16;

    private final MetalDevice device;
    private final ResidencySet resident;
    private final List<Placed> waiting = new ArrayList<>();
    private final List<MetalBuffer> mapped = new ArrayList<>();
    private final List<MetalBuffer> copied = new ArrayList<>();

    WeightStore(MetalDevice device, CommandQueue queue) {
        this.device = device;
        this.resident = new ResidencySet(device, queue);
    }

    private record Placed(MetalWeight weight, QuantizedTensor tensor) {}

    /** Takes a tensor; it has memory once {@link #place} was called. */
    MetalWeight add(QuantizedTensor tensor) {
        MetalWeight weight = new MetalWeight(tensor);
        waiting.add(new Placed(weight, tensor));
        return weight;
    }

    /** Gives memory to all weights that were added since the last call, and makes them resident. */
    void place() {
        if (waiting.isEmpty()) {
            return;
        }
        List<MemorySegment> pieces = waiting.stream().filter(placed -> isMatrix(placed.tensor())).flatMap(placed -> placed.tensor().parts().stream())
                .map(QuantizedTensor.Part::bytes).filter(MemorySegment::isMapped).toList();
        List<MappedRegion> regions = MappedRegion.covering(pieces, device.maxBufferBytes());
        List<MetalBuffer> buffers = new ArrayList<>();
        for (MappedRegion region : regions) {
            buffers.add(wrap(region));
        }
        for (Placed placed : waiting) {
            if (isMatrix(placed.tensor())) {
                placed.tensor().parts().forEach(part -> placed.weight().addPart(part, memoryOf(part.bytes(), regions, buffers)));
            } else {
                placed.weight().setVector(vector(placed.tensor()));
            }
        }
        waiting.clear();
        mapped.addAll(buffers);
        resident.add(buffers);
    }

    private static boolean isMatrix(QuantizedTensor tensor) {
        return tensor.rows() > 1;
    }

    @SuppressWarnings("restricted") // whole pages around mapped memory
    private MetalBuffer wrap(MappedRegion region) {
        return MetalBuffer.wrap(device, "weights", MemorySegment.ofAddress(region.address()).reinterpret(region.bytes()));
    }

    private BufferSlice memoryOf(MemorySegment bytes, List<MappedRegion> regions, List<MetalBuffer> buffers) {
        if (bytes.isMapped()) {
            for (int i = 0; i < regions.size(); i++) {
                if (regions.get(i).contains(bytes)) {
                    return buffers.get(i).slice(bytes.address() - regions.get(i).address(), bytes.byteSize());
                }
            }
        }
        BufferSlice copy = allocate(bytes.byteSize());
        copy.contents().copyFrom(bytes);
        return copy;
    }

    private BufferSlice vector(QuantizedTensor tensor) {
        float[] values = new float[tensor.columns()];
        BlockFormats.of(tensor.type()).orElseThrow().dequantize(tensor.parts().getFirst().bytes(), 0, values, 0, values.length);
        BufferSlice floats = allocate((long) values.length * Float.BYTES);
        MemorySegment.copy(values, 0, floats.contents(), ValueLayout.JAVA_FLOAT, 0, values.length);
        return floats;
    }

    private BufferSlice allocate(long bytes) {
        MetalBuffer buffer = MetalBuffer.allocate(device, "weights", Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT);
        copied.add(buffer);
        return buffer.slice(0, bytes);
    }

    /** Bytes of the mapped file that the GPU reads. */
    long mappedBytes() {
        return mapped.stream().mapToLong(MetalBuffer::bytes).sum();
    }

    @Override
    public void close() {
        resident.close();
        mapped.forEach(MetalBuffer::close);
        copied.forEach(MetalBuffer::close);
        mapped.clear();
        copied.clear();
    }
}
