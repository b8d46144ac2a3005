package io.gemma4j.backend.cpu;

import io.gemma4j.backend.Activations;
import java.util.Objects;

/** Activations in a Java array: element {@code [r][c]} is {@code data[offset + r * stride + c]}. */
record CpuActivations(float[] data, int offset, int stride, int rows, int width) implements Activations {

    static CpuActivations allocate(int rows, int width) {
        return new CpuActivations(new float[Math.multiplyExact(rows, width)], 0, width, rows, width);
    }

    @Override
    public CpuActivations columns(int first, int count) {
        Objects.checkFromIndexSize(first, count, width);
        return new CpuActivations(data, offset + first, stride, rows, count);
    }

    @Override
    public CpuActivations rowsFrom(int first) {
        Objects.checkIndex(first, rows);
        return new CpuActivations(data, row(first), stride, rows - first, width);
    }

    int row(int row) {
        return offset + row * stride;
    }
}
