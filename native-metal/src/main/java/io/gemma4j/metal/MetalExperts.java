package io.gemma4j.metal;

/**
 * Routed experts: which ones, their products, and the sum of their results. A slot is a pair of a row and one of its experts; slot
 * {@code r * perRow + j}. Used by one thread at a time. Whoever created it closes it.
 */
final class MetalExperts implements AutoCloseable {
    /** Experts of one row, at most. */
    static final int MAX_PER_ROW = 32;
    /** Experts of a layer, at most. */
    static final int MAX_EXPERTS = 1024;

    /** As in {@code expert_tile.h}. */
    private static final int EXPERT_TILE = 32;
    /** Up to here each slot reads the matrix of its expert by itself. */
    private static final int MATVEC_SLOTS = 64;

    private final MetalDevice device;
    private final KernelLibrary kernels;
    private final MetalMatvec matvec;
    private final MetalPipeline route;
    private final MetalPipeline group;
    private final MetalPipeline combine;
    private MetalBuffer groups;
    private BufferSlice tiles;
    private BufferSlice sortedSlots;
    private BufferSlice tileCount;
    private int maxTiles;

    MetalExperts(MetalDevice device, KernelLibrary kernels, MetalMatvec matvec) {
        this.device = device;
        this.kernels = kernels;
        this.matvec = matvec;
        route = kernels.pipeline("route_experts");
        group = kernels.pipeline("group_slots");
        combine = kernels.pipeline("combine_experts");
    }

    /**
     * Which experts each row goes to.
     *
     * @param experts {@code int} for each slot
     * @param weights {@code float} for each slot
     * @param perRow experts of a row
     */
    record Slots(BufferSlice experts, BufferSlice weights, int perRow) {}

    /**
     * Matrices of all experts in one tensor.
     *
     * @param first of expert 0: the rows that are multiplied with
     * @param expertRows rows from one expert's matrix to the next one's
     */
    record Matrices(MetalMatrix first, int expertRows) {}

    /**
     * Softmax over the logits, the largest few of each row, made to sum to 1, times the experts' scale. Products of the same slots follow before
     * others are routed.
     *
     * @throws IllegalArgumentException if a row goes to more experts than there are, or than a simdgroup has lanes
     */
    void route(MetalStream stream, MetalRows logits, BufferSlice expertScale, Slots slots, int rows) {
        int experts = logits.width();
        if (slots.perRow() > Math.min(MAX_PER_ROW, experts) || experts > MAX_EXPERTS) {
            throw new IllegalArgumentException("expected at most " + MAX_EXPERTS + " experts, of which a row goes to at most "
                    + Math.min(MAX_PER_ROW, experts) + "; found " + experts + " and " + slots.perRow());
        }
        int rowsPerGroup = 4;
        stream.kernel(route).read(0, logits.first(rows)).weight(1, expertScale).write(2, slots.experts()).write(3, slots.weights()).put(logits.stride())
                .put(experts).put(slots.perRow()).put(rows).arguments(4).dispatch(Grid.of(Math.ceilDiv(rows, rowsPerGroup)), 32 * rowsPerGroup);
        int count = rows * slots.perRow();
        if (!fewSlots(count)) {
            reserveGroups(count, experts);
            stream.kernel(group).read(0, slots.experts()).write(1, sortedSlots).write(2, tiles).write(3, tileCount).put(count).put(experts).arguments(4)
                    .dispatch(Grid.of(1), 256);
        }
    }

    private void reserveGroups(int slots, int experts) {
        maxTiles = slots / EXPERT_TILE + Math.min(experts, slots);
        long tileBytes = 16L * maxTiles;
        long bytes = tileBytes + 4L * slots + 4;
        if (groups == null || groups.bytes() < bytes) {
            // A command buffer keeps the memory that it uses.
            close();
            groups = MetalBuffer.allocate(device, "slots of experts", Math.max(bytes, 1 << 16));
        }
        tiles = groups.slice(0, tileBytes);
        sortedSlots = groups.slice(tileBytes, 4L * slots);
        tileCount = groups.slice(tileBytes + 4L * slots, 4);
    }

    /** Whether {@link #gatedMultiply} takes so many slots. */
    static boolean fewSlots(int slots) {
        return slots <= MATVEC_SLOTS;
    }

    /** {@code out[slot] = geluTanh(gate * in) * (up * in)} for few slots. */
    void gatedMultiply(MetalStream stream, Matrices gate, Matrices up, MetalRows in, int slotsPerInputRow, Slots slots, MetalRows out, int rows) {
        matvec.experts(stream, gate.first(), up.first(), gate.expertRows(), in, slotsPerInputRow, slots.experts(), out, rows * slots.perRow());
    }

    /** {@code out[slot] = matrix of the slot's expert * in}; {@code in} has a row for {@code slotsPerInputRow} slots. */
    void multiply(MetalStream stream, Matrices matrices, MetalRows in, int slotsPerInputRow, Slots slots, MetalRows out, int rows) {
        int count = rows * slots.perRow();
        MetalMatrix first = matrices.first();
        if (fewSlots(count)) {
            matvec.experts(stream, first, null, matrices.expertRows(), in, slotsPerInputRow, slots.experts(), out, count);
            return;
        }
        stream.kernel(kernels.pipeline(first.kernel("expert_matmul"))).weight(0, first.bytes()).read(1, in.first(Math.ceilDiv(count, slotsPerInputRow)))
                .write(2, out.first(count)).put(first.rows()).put(first.columns()).put(matrices.expertRows()).put(slotsPerInputRow).put(in.stride())
                .put(out.stride()).arguments(3).read(4, sortedSlots).read(5, tiles).read(6, tileCount)
                .dispatch(Grid.of(Math.ceilDiv(first.rows(), MetalMatmul.OUTPUT_TILE), maxTiles), MetalMatmul.THREADS);
    }

    /** {@code out[r] = sum_j weight[r][j] * in[r * perRow + j]}. */
    void combine(MetalStream stream, MetalRows in, Slots slots, MetalRows out, int rows) {
        stream.kernel(combine).read(0, in.first(rows * slots.perRow())).read(1, slots.weights()).write(2, out.first(rows)).put(in.stride()).put(out.stride())
                .put(out.width()).put(slots.perRow()).arguments(3).dispatch(Grid.of(Math.ceilDiv(out.width(), 256), rows), 256);
    }

    @Override
    public void close() {
        if (groups != null) {
            groups.close();
            groups = null;
        }
    }
}
