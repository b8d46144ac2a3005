package io.gemma4j.cuda;

import io.gemma4j.tensor.BlockFormats;
import io.gemma4j.tensor.QuantizedTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The weights of a model. Matrices are permuted to tiles as they arrive on the device, where there are kernels for that; tables that are only
 * looked up stay in pinned memory of the computer, from where the device fetches the few rows that it needs. Used by one thread at a time.
 * Whoever created it closes it, which frees all weights.
 */
final class WeightStore implements AutoCloseable {
    // Kernels read whole units of this many bytes.
    private static final int ALIGNMENT = 16;
    private static final String EMBEDDING = "token_embd.weight";
    private static final Set<String> TABLES = Set.of(EMBEDDING, "per_layer_token_embd.weight");

    private final CudaStream stream;
    private final TilePermutation permutation;
    private final Set<CudaBuffer> buffers = Collections.newSetFromMap(new IdentityHashMap<>());
    private final List<PinnedMemory> tables = new ArrayList<>();
    private final ScratchMemory arriving;
    private PinnedUpload upload;
    private CudaWeight widest;

    WeightStore(CudaStream stream, TilePermutation permutation) {
        this.stream = stream;
        this.permutation = permutation;
        arriving = new ScratchMemory(stream.context(), "weights that are being loaded", () -> {});
    }

    /** Brings a tensor to where kernels read it. */
    CudaWeight add(QuantizedTensor tensor) {
        if (upload == null) {
            upload = new PinnedUpload(stream);
        }
        CudaWeight weight = new CudaWeight(tensor);
        boolean table = TABLES.contains(tensor.name());
        if (tensor.rows() == 1) {
            addVector(tensor, weight);
        } else if (table) {
            addTable(tensor, weight);
        }
        // The table of token embeddings is the matrix of the head, too.
        if (tensor.rows() > 1 && (!table || tensor.name().equals(EMBEDDING))) {
            addMatrix(tensor, weight);
        }
        return weight;
    }

    private void addVector(QuantizedTensor tensor, CudaWeight weight) {
        float[] values = new float[tensor.columns()];
        BlockFormats.of(tensor.type()).orElseThrow().dequantize(tensor.parts().getFirst().bytes(), 0, values, 0, values.length);
        CudaBuffer buffer = allocate(tensor.name(), (long) values.length * Float.BYTES);
        try (Arena arena = Arena.ofConfined()) {
            upload.upload(arena.allocateFrom(ValueLayout.JAVA_FLOAT, values), buffer.pointer());
        }
        weight.setNativeRows(buffer.pointer());
    }

    private void addTable(QuantizedTensor tensor, CudaWeight weight) {
        PinnedMemory memory = new PinnedMemory(stream.context(), Math.ceilDiv(tensor.bytes(), (long) ALIGNMENT) * ALIGNMENT);
        tables.add(memory);
        for (QuantizedTensor.Part part : tensor.parts()) {
            upload.copy(part.bytes(), memory.segment().asSlice(part.firstRow() * tensor.rowBytes(), part.bytes().byteSize()));
        }
        weight.setNativeRows(memory.pointer());
    }

    private void addMatrix(QuantizedTensor tensor, CudaWeight weight) {
        boolean head = tensor.name().equals(EMBEDDING);
        if (!head && (widest == null || weight.rows() * weight.columns() > widest.rows() * widest.columns())) {
            widest = weight;
        }
        TileLayout layout = new TileLayout(tensor.type(), tensor.columns());
        boolean tiled = TileLayout.supports(tensor.type(), tensor.columns())
                && tensor.parts().stream().allMatch(part -> part.firstRow() % TileLayout.ROWS == 0)
                && MatvecLaunch.fits(new TileMatrix(layout, DevicePointer.NULL, Math.toIntExact(tensor.rows())), stream.context().device());
        if (tiled) {
            weight.setTiles(allocate(tensor.name(), layout.bytes(tensor.rows())), 0);
            tensor.parts().forEach(part -> arrive(part, tensor.rowBytes(), weight.tiles()));
        } else {
            CudaBuffer buffer = allocate(tensor.name(), tensor.bytes());
            tensor.parts().forEach(part -> upload.upload(part.bytes(), buffer.pointer().plus(part.firstRow() * tensor.rowBytes())));
            weight.setNativeRows(buffer.pointer());
        }
    }

    private void arrive(QuantizedTensor.Part part, long rowBytes, TileMatrix tiles) {
        long together = Math.max(1, PinnedUpload.pieceBytes() / rowBytes / TileLayout.ROWS) * TileLayout.ROWS;
        for (long first = 0; first < part.rows(); first += together) {
            long rows = Math.min(together, part.rows() - first);
            MemorySegment from = part.bytes().asSlice(first * rowBytes, rows * rowBytes);
            DevicePointer arrived = arriving.require(Math.max(from.byteSize(), PinnedUpload.pieceBytes()));
            upload.upload(from, arrived);
            permutation.pack(TilePermutation.NativeRows.of(arrived),
                    new TileMatrix(tiles.layout(), tiles.row(part.firstRow() + first), Math.toIntExact(rows)));
        }
    }

    private CudaBuffer allocate(String tensor, long needed) {
        CudaBuffer buffer = CudaBuffer.allocate(stream.context(), "tensor '" + tensor + "'", Math.ceilDiv(needed, (long) ALIGNMENT) * ALIGNMENT);
        buffers.add(buffer);
        return buffer;
    }

    /**
     * Puts matrices one after the other in memory, so that one mat-vec can do them all.
     *
     * @param weights in tiles, of one type and width, with rows in multiples of 8
     */
    TileMatrix join(List<CudaWeight> weights) {
        TileMatrix first = weights.getFirst().tiles();
        if (weights.size() == 1) {
            return first;
        }
        int rows = weights.stream().mapToInt(weight -> weight.tiles().rows()).sum();
        CudaBuffer joined = allocate(weights.getFirst().name(), first.layout().bytes(rows));
        long at = 0;
        for (CudaWeight weight : weights) {
            TileMatrix tiles = weight.tiles();
            long bytes = tiles.layout().bytes(tiles.rows());
            stream.copy(tiles.start(), joined.pointer(at, bytes), bytes);
            CudaBuffer old = weight.tileBuffer();
            weight.setTiles(joined, at);
            buffers.remove(old);
            old.close();
            at += bytes;
        }
        // Mat-vecs fetch weights before the work queued ahead of them has ended.
        stream.synchronize();
        return new TileMatrix(first.layout(), joined.pointer(), rows);
    }

    /**
     * Makes the rows of the upper half of each of {@code matrices} alternate with those of the lower, by fours, so that a warp has a gate and its
     * up beside each other. Does nothing the second time.
     */
    void pair(CudaWeight weight, int matrices) {
        if (weight.pairedMatrices() == matrices) {
            return;
        }
        TileMatrix all = weight.tiles();
        int rows = all.rows() / matrices;
        long matrixBytes = rows * all.layout().type().rowBytes(all.layout().columns());
        try (CudaBuffer rowsInOrder = CudaBuffer.allocate(stream.context(), "rows of tensor '" + weight.name() + "'", matrices * matrixBytes)) {
            permutation.unpack(all, TilePermutation.NativeRows.of(rowsInOrder.pointer()));
            permutation.pack(TilePermutation.NativeRows.paired(rowsInOrder.pointer(), matrices, matrixBytes),
                    new TileMatrix(all.layout(), all.start(), rows));
            stream.synchronize();
        }
        weight.setPaired(matrices);
    }

    /** Waits for what is under way, and frees what only uploads need. */
    void finishUploads() {
        if (upload != null) {
            upload.close();
            upload = null;
            arriving.close();
        }
    }

    /** Of the matrices that many rows are multiplied with the one with the most weights: the head seldom has more than one. */
    Optional<CudaWeight> widest() {
        return Optional.ofNullable(widest);
    }

    /** Bytes of all weights on the device. */
    long deviceBytes() {
        return buffers.stream().mapToLong(CudaBuffer::bytes).sum();
    }

    /** Bytes of the tables in the computer's memory. */
    long hostBytes() {
        return tables.stream().mapToLong(table -> table.segment().byteSize()).sum();
    }

    @Override
    public void close() {
        finishUploads();
        buffers.forEach(CudaBuffer::close);
        buffers.clear();
        tables.forEach(PinnedMemory::close);
        tables.clear();
    }
}
