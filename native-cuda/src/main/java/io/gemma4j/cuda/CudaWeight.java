package io.gemma4j.cuda;

import io.gemma4j.backend.Weight;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.QuantizedTensor;
import java.util.Locale;

/**
 * A matrix or vector where kernels read it: rows as the file has them, tiles, or both; a vector is decoded to floats. Its memory belongs to the
 * {@link WeightStore}, which may move it. Used by one thread at a time.
 */
final class CudaWeight implements Weight {
    private final String name;
    private final GgmlType type;
    private final GgmlType storedType;
    private final long rows;
    private final int columns;
    private DevicePointer nativeRows;
    private CudaBuffer tiles;
    private long tilesOffset;
    private int pairedMatrices;

    /** Describes {@code tensor}, without memory yet. */
    CudaWeight(QuantizedTensor tensor) {
        name = tensor.name();
        type = tensor.type();
        rows = tensor.rows();
        columns = tensor.columns();
        storedType = rows == 1 ? GgmlType.F32 : type;
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

    /** What the bytes in memory are. */
    GgmlType storedType() {
        return storedType;
    }

    /** The stored type as kernels have it in their names. */
    String kernelType() {
        return storedType.name().toLowerCase(Locale.ROOT);
    }

    void setNativeRows(DevicePointer start) {
        nativeRows = start;
    }

    void setTiles(CudaBuffer buffer, long offset) {
        tiles = buffer;
        tilesOffset = offset;
    }

    /** Says that in each of {@code matrices} the rows of the upper half now alternate with those of the lower, by fours. */
    void setPaired(int matrices) {
        pairedMatrices = matrices;
    }

    /** Rows one after the other, as in the file; null where there are only tiles. */
    DevicePointer nativeRows() {
        return nativeRows;
    }

    /** The memory with the tiles. */
    CudaBuffer tileBuffer() {
        return tiles;
    }

    /** The tiles, or null where there are none. */
    TileMatrix tiles() {
        return tiles == null ? null : new TileMatrix(new TileLayout(storedType, columns), tiles.pointer().plus(tilesOffset), Math.toIntExact(rows));
    }

    /** In how many matrices the rows of both halves alternate; 0 where rows are in order. */
    int pairedMatrices() {
        return pairedMatrices;
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
        return nativeRows;
    }
}
