package io.gemma4j.bench.jmh;

import io.gemma4j.tensor.BlockFormats;
import io.gemma4j.tensor.QuantizedTensor;
import java.lang.foreign.MemorySegment;

/** Results computed the plain way, for what is timed to be checked against. */
final class Expected {
    private Expected() {}

    /** Fails unless the product of a matrix and a vector is right, at some rows; int8 activations are near enough. */
    static void requireProduct(QuantizedTensor matrix, float[] in, float[] out) {
        MemorySegment bytes = matrix.parts().getFirst().bytes();
        float[] row = new float[matrix.columns()];
        double error = 0;
        double size = 0;
        for (long r = 0; r < matrix.rows(); r += Math.max(1, matrix.rows() / 61)) {
            BlockFormats.require(matrix.type(), "memory", matrix.name()).dequantize(bytes, r * matrix.rowBytes(), row, 0, row.length);
            double sum = 0;
            for (int i = 0; i < row.length; i++) {
                sum += (double) row[i] * in[i];
            }
            error += (sum - out[(int) r]) * (sum - out[(int) r]);
            size += sum * sum;
        }
        require(Math.sqrt(error / size) < 0.02, "a product within 2 % of " + Math.sqrt(size), Math.sqrt(error));
    }

    /** Fails with what was expected and found. */
    static void require(boolean holds, String expected, Object found) {
        if (!holds) {
            throw new IllegalStateException("expected " + expected + ", found " + found);
        }
    }
}
