package io.gemma4j.backend.cpu;

import io.gemma4j.backend.Weight;
import io.gemma4j.backend.cpu.kernel.Int8Kernel;
import io.gemma4j.backend.cpu.kernel.RowKernel;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.QuantizedTensor;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** A matrix where the file mapping has it; a vector is decoded once. */
final class CpuWeight implements Weight {
    private final QuantizedTensor tensor;
    private final RowKernel kernel;
    private final Int8Kernel int8Kernel;
    private final long[] partEnds;
    private final MemorySegment[] partBytes;
    private final float[] vector;

    /** {@code int8Kernel} may be null; it is used only where it takes the rows and all the bytes are outside the Java heap. */
    CpuWeight(QuantizedTensor tensor, RowKernel kernel, Int8Kernel int8Kernel) {
        this.tensor = tensor;
        this.kernel = kernel;
        boolean usable = int8Kernel != null && int8Kernel.takes(tensor.columns()) && tensor.parts().stream().allMatch(part -> part.bytes().isNative());
        this.int8Kernel = usable ? int8Kernel : null;
        List<QuantizedTensor.Part> parts = tensor.parts();
        partEnds = parts.stream().mapToLong(part -> part.firstRow() + part.rows()).toArray();
        partBytes = parts.stream().map(QuantizedTensor.Part::bytes).toArray(MemorySegment[]::new);
        if (tensor.rows() == 1) {
            vector = new float[tensor.columns()];
            kernel.dequantize(partBytes[0], 0, vector, 0, vector.length);
        } else {
            vector = null;
        }
    }

    @Override
    public String name() {
        return tensor.name();
    }

    @Override
    public GgmlType type() {
        return tensor.type();
    }

    @Override
    public long rows() {
        return tensor.rows();
    }

    @Override
    public int columns() {
        return tensor.columns();
    }

    RowKernel kernel() {
        return kernel;
    }

    /** Null where activations are not rounded. */
    Int8Kernel int8Kernel() {
        return int8Kernel;
    }

    long rowBytes() {
        return tensor.rowBytes();
    }

    /** The values of a vector. */
    float[] vector() {
        if (vector == null) {
            throw new IllegalArgumentException(tensor + " is no vector");
        }
        return vector;
    }

    /** The memory that holds {@code row}. */
    MemorySegment bytes(long row) {
        return partBytes[part(row)];
    }

    /** How many rows from {@code row} on lie in that memory. */
    long contiguousRows(long row) {
        return partEnds[part(row)] - row;
    }

    /** Where {@code row} starts in that memory. */
    long offset(long row) {
        int part = part(row);
        return (row - (part == 0 ? 0 : partEnds[part - 1])) * rowBytes();
    }

    private int part(long row) {
        int part = 0;
        while (row >= partEnds[part]) {
            part++;
        }
        return part;
    }
}
