package io.gemma4j.tensor;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * A matrix {@code [rows][columns]} in a storage type, rows contiguous, as it stands in the file. Rows are outputs, columns are inputs. It
 * may consist of several row ranges that lie apart in memory, so that matrices can be joined without a copy. A stack of expert matrices is
 * one matrix with the experts' rows one after the other. Immutable; the bytes belong to whoever mapped them.
 */
public final class QuantizedTensor {
    /** Consecutive rows that lie together. */
    public record Part(long firstRow, long rows, MemorySegment bytes) {}

    private final String name;
    private final GgmlType type;
    private final int columns;
    private final long rows;
    private final List<Part> parts;

    private QuantizedTensor(String name, GgmlType type, int columns, List<Part> parts) {
        this.name = name;
        this.type = type;
        this.columns = columns;
        this.parts = List.copyOf(parts);
        Part last = parts.getLast();
        this.rows = last.firstRow() + last.rows();
    }

    /** A matrix over {@code bytes}, which must hold exactly {@code rows} rows. */
    public static QuantizedTensor of(String name, GgmlType type, long rows, int columns, MemorySegment bytes) {
        long expected = Math.multiplyExact(rows, type.rowBytes(columns));
        if (rows <= 0 || columns <= 0 || bytes.byteSize() != expected) {
            throw new IllegalArgumentException("tensor '" + name + "': " + rows + " x " + columns + " " + type + " takes " + expected + " bytes, got "
                    + bytes.byteSize());
        }
        return new QuantizedTensor(name, type, columns, List.of(new Part(0, rows, bytes)));
    }

    /** The rows of all {@code tensors} one after the other, without a copy; types and widths must agree. */
    public static QuantizedTensor concatRows(String name, QuantizedTensor... tensors) {
        QuantizedTensor first = tensors[0];
        List<Part> parts = new ArrayList<>();
        long row = 0;
        for (QuantizedTensor tensor : tensors) {
            if (!first.sameLayout(tensor)) {
                throw new IllegalArgumentException("tensor '" + name + "': cannot join " + first + " and " + tensor);
            }
            for (Part part : tensor.parts) {
                parts.add(new Part(row, part.rows(), part.bytes()));
                row += part.rows();
            }
        }
        return new QuantizedTensor(name, first.type, first.columns, parts);
    }

    /** Whether type and width agree, so that rows of both can stand in one matrix. */
    public boolean sameLayout(QuantizedTensor other) {
        return type == other.type && columns == other.columns;
    }

    /** The rows {@code [first, first + count)} as a matrix of their own, without a copy. */
    public QuantizedTensor rows(long first, long count) {
        if (first < 0 || count <= 0 || count > rows - first) {
            throw new IndexOutOfBoundsException("rows [" + first + ", " + (first + count) + ") of " + this);
        }
        List<Part> selected = new ArrayList<>();
        for (Part part : parts) {
            long from = Math.max(first, part.firstRow());
            long to = Math.min(first + count, part.firstRow() + part.rows());
            if (from < to) {
                MemorySegment bytes = part.bytes().asSlice((from - part.firstRow()) * rowBytes(), (to - from) * rowBytes());
                selected.add(new Part(from - first, to - from, bytes));
            }
        }
        return new QuantizedTensor(name, type, columns, selected);
    }

    /** Name in the file; made up where several were joined. */
    public String name() {
        return name;
    }

    /** Storage type of every row. */
    public GgmlType type() {
        return type;
    }

    /** Number of rows, the outputs. */
    public long rows() {
        return rows;
    }

    /** Elements of one row, the inputs. */
    public int columns() {
        return columns;
    }

    /** Bytes of one row. */
    public long rowBytes() {
        return type.rowBytes(columns);
    }

    /** Bytes of all rows. */
    public long bytes() {
        return rows * rowBytes();
    }

    /** The row ranges, in order, without gaps. */
    public List<Part> parts() {
        return parts;
    }

    @Override
    public String toString() {
        return name + " " + type + " [" + rows + "][" + columns + "]";
    }
}
