package io.gemma4j.cuda;

import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.BlockFormats;
import io.gemma4j.tensor.QuantizedTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** The weights of a model in device memory. Used by one thread at a time. Whoever created it closes it, which frees them all. */
final class WeightStore implements AutoCloseable {
    // Kernels read whole units of this many bytes.
    private static final int ALIGNMENT = 16;

    private final CudaStream stream;
    private final List<CudaBuffer> buffers = new ArrayList<>();
    private PinnedUpload upload;
    private long bytes;

    WeightStore(CudaStream stream) {
        this.stream = stream;
    }

    /** Brings a matrix to the device as it is, or a vector as floats. */
    CudaWeight add(QuantizedTensor tensor) {
        if (upload == null) {
            upload = new PinnedUpload(stream);
        }
        return tensor.rows() == 1 ? vector(tensor) : matrix(tensor);
    }

    private CudaWeight vector(QuantizedTensor tensor) {
        float[] values = new float[tensor.columns()];
        BlockFormats.of(tensor.type()).orElseThrow().dequantize(tensor.parts().getFirst().bytes(), 0, values, 0, values.length);
        DevicePointer to = allocate(tensor, (long) values.length * Float.BYTES);
        try (Arena arena = Arena.ofConfined()) {
            upload.upload(arena.allocateFrom(ValueLayout.JAVA_FLOAT, values), to);
        }
        return new CudaWeight(tensor, GgmlType.F32, to);
    }

    private CudaWeight matrix(QuantizedTensor tensor) {
        DevicePointer to = allocate(tensor, tensor.bytes());
        for (QuantizedTensor.Part part : tensor.parts()) {
            MemorySegment from = part.bytes();
            upload.upload(from, to.plus(part.firstRow() * tensor.rowBytes()));
        }
        return new CudaWeight(tensor, tensor.type(), to);
    }

    private DevicePointer allocate(QuantizedTensor tensor, long needed) {
        CudaBuffer buffer = CudaBuffer.allocate(stream.context(), "tensor '" + tensor.name() + "'", Math.ceilDiv(needed, ALIGNMENT) * ALIGNMENT);
        buffers.add(buffer);
        bytes += buffer.bytes();
        return buffer.pointer();
    }

    /** Waits for what is under way, and frees what only uploads need. */
    void finishUploads() {
        if (upload != null) {
            upload.close();
            upload = null;
        }
    }

    /** Bytes of all weights. */
    long bytes() {
        return bytes;
    }

    @Override
    public void close() {
        finishUploads();
        buffers.forEach(CudaBuffer::close);
        buffers.clear();
    }
}
