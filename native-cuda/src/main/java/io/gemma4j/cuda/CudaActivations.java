package io.gemma4j.cuda;

import io.gemma4j.backend.Activations;
import java.util.Objects;

/** Activations in device memory: element {@code [r][c]} is float {@code r * stride + c} after {@code start}. */
record CudaActivations(DevicePointer start, int stride, int rows, int width) implements Activations {

    @Override
    public CudaActivations columns(int first, int count) {
        Objects.checkFromIndexSize(first, count, width);
        return new CudaActivations(start.plus((long) first * Float.BYTES), stride, rows, count);
    }

    @Override
    public CudaActivations rowsFrom(int first) {
        Objects.checkIndex(first, rows);
        return new CudaActivations(row(first), stride, rows - first, width);
    }

    /** Where a row starts. */
    DevicePointer row(int row) {
        return start.plus((long) row * stride * Float.BYTES);
    }
}
