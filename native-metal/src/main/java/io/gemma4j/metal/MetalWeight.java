package io.gemma4j.metal;

import io.gemma4j.backend.Weight;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.QuantizedTensor;
import java.util.ArrayList;
import java.util.List;

/**
 * A matrix where the mapped file has it, possibly in several parts, or a vector of floats. Its memory belongs to the {@link WeightStore}, which
 * gives it once all weights are known. Used by one thread at a time.
 */
final class MetalWeight implements Weight {
    private final QuantizedTensor tensor;
    private final List<Part> parts = new ArrayList<>();
    private BufferSlice vector;

    /** Describes {@code tensor}, without memory yet. */
    MetalWeight(QuantizedTensor tensor) {
        this.tensor = tensor;
    }

    /** Consecutive rows that lie together. */
    record Part(int firstRow, MetalMatrix matrix) {}

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

    /** Places the next rows. */
    void addPart(QuantizedTensor.Part part, BufferSlice bytes) {
        int rows = Math.toIntExact(part.rows());
        parts.add(new Part(Math.toIntExact(part.firstRow()), new MetalMatrix(name(), bytes, type(), rows, columns())));
    }

    void setVector(BufferSlice floats) {
        vector = floats;
    }

    /** The parts, in order. */
    List<Part> parts() {
        return parts;
    }

    /** All rows, where they lie together. */
    MetalMatrix matrix() {
        return rows(0, Math.toIntExact(rows()));
    }

    /** Rows that lie together. */
    MetalMatrix rows(int first, int count) {
        for (Part part : parts) {
            if (first >= part.firstRow() && first + count <= part.firstRow() + part.matrix().rows()) {
                return part.matrix().rows(first - part.firstRow(), count);
            }
        }
        throw new IllegalArgumentException("tensor '" + name() + "': rows [" + first + ", " + (first + count) + ") do not lie together");
    }

    /**
     * The values of a vector.
     *
     * @throws IllegalArgumentException if it is a matrix
     */
    BufferSlice vector() {
        if (vector == null) {
            throw new IllegalArgumentException("tensor '" + name() + "': expected a vector, found " + rows() + " rows");
        }
        return vector;
    }
}
