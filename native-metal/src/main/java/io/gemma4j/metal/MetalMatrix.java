package io.gemma4j.metal;

import io.gemma4j.gguf.GgmlType;
import java.util.Locale;

/**
 * A matrix of weights as the file has it. Immutable.
 *
 * @param name of the tensor, for messages
 * @param bytes row after row, from a multiple of 4
 * @param type of the blocks
 * @param rows outputs
 * @param columns inputs, a multiple of 32
 */
record MetalMatrix(String name, BufferSlice bytes, GgmlType type, int rows, int columns) {

    MetalMatrix {
        if (columns % 32 != 0 || columns == 0 || bytes.bytes() < rows * type.rowBytes(columns)) {
            throw new IllegalArgumentException("tensor '" + name + "': expected columns in multiples of 32 and " + rows + " rows of "
                    + type + ", found " + columns + " columns and " + bytes.bytes() + " bytes");
        }
    }

    /** Rows {@code first} to {@code first + count - 1}; Metal binds them where they start at a multiple of 4 bytes. */
    MetalMatrix rows(int first, int count) {
        long rowBytes = type.rowBytes(columns);
        return new MetalMatrix(name, bytes.from(first * rowBytes, count * rowBytes), type, count, columns);
    }

    /** The first {@code count} rows, with the bytes of all: what follows are the rows of other experts. */
    MetalMatrix limit(int count) {
        return new MetalMatrix(name, bytes, type, count, columns);
    }

    /** The kernel of an operation that reads this type of blocks, e.g. {@code matvec_q4_k}. */
    String kernel(String operation) {
        return operation + "_" + type.name().toLowerCase(Locale.ROOT);
    }
}
