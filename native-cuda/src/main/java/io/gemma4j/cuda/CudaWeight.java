package io.gemma4j.cuda;

import io.gemma4j.backend.Weight;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.QuantizedTensor;
import java.util.Locale;

/** A matrix or vector in device memory, with the bytes of the file; a vector is decoded to floats. */
final class CudaWeight implements Weight {
    private final String name;
    private final GgmlType type;
    private final GgmlType storedType;
    private final long rows;
    private final int columns;
    private final DevicePointer bytes;

    /**
     * Describes what is in memory.
     *
     * @param storedType what the bytes at {@code bytes} are
     */
    CudaWeight(QuantizedTensor tensor, GgmlType storedType, DevicePointer bytes) {
        this.name = tensor.name();
        this.type = tensor.type();
        this.storedType = storedType;
        this.rows = tensor.rows();
        this.columns = tensor.columns();
        this.bytes = bytes;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public GgmlType type() {
        return type;
    }

    @Override
    public long rows() {
        return rows;
    }

    @Override
    public int columns() {
        return columns;
    }

    /** The type as kernels have it in their names. */
    String kernelType() {
        return storedType.name().toLowerCase(Locale.ROOT);
    }

    boolean storedAs(GgmlType wanted) {
        return storedType == wanted;
    }

    /** Rows one after the other. */
    DevicePointer bytes() {
        return bytes;
    }

    /**
     * The values of a vector.
     *
     * @throws IllegalArgumentException if it is a matrix
     */
    DevicePointer vector() {
        if (rows != 1) {
            throw new IllegalArgumentException("tensor '" + name + "': expected a vector, found " + rows + " rows");
        }
        return bytes;
    }
}
