// Two products in one kernel: what a gate makes of the residual is the input of a projection. Both matrices are small, so that time goes by waiting, not
// reading: every cluster of blocks computes the whole gate, each block a part of it, and hands its part to the others through shared memory; rows of the
// projection are dealt out to all blocks. All weights are in shared memory before the kernel before ends. Compute capability 9.0 and later.
#pragma once

#include "cluster.cuh"
#include "matvec_body.cuh"

#if BULK_COPY
constexpr int PROJECT_CLUSTER_BLOCKS = 8;
// Warps of a block that write to the same one of its cluster, each 32 elements.
constexpr int WARPS_PER_RECEIVER = BLOCK_WARPS / PROJECT_CLUSTER_BLOCKS;

// Writes where another block of the cluster has the vector; arrives on a barrier there.
struct SharedOfOther {
    int block;
    uint64_t* barrier;

    __device__ __forceinline__ void write(unsigned* at, unsigned value) const { sendTo(block, at, barrier, value); }
    __device__ __forceinline__ void write(GroupScale* at, const GroupScale& value) const { sendTo(block, at, barrier, make_float2(value.d, value.s)); }
    __device__ __forceinline__ void write(float4* at, const float4& value) const { sendTo(block, at, barrier, value); }
};

// Some row tiles of a matrix, held in shared memory. Warps share a row tile where there are fewer row tiles than warps.
template <class F>
struct HeldRowTiles {
    RowTileShape<F> shape;
    int firstRowTile;
    int rowTiles;
    int logWarpsPerRowTile;
    const uint8_t* tiles;
    uint64_t* barrier;

    // Thread 0 starts the copy.
    __device__ __forceinline__ HeldRowTiles(const uint8_t* matrix, int columns, int firstRowTile, int endRowTile, uint8_t* to, uint64_t* barrier)
        : shape(columns), firstRowTile(firstRowTile), rowTiles(endRowTile - firstRowTile), tiles(to), barrier(barrier) {
        logWarpsPerRowTile = rowTiles == 0 ? 0 : 31 - __clz(max(1, min(BLOCK_WARPS / rowTiles, shape.tiles)));
        if (threadIdx.x == 0 && rowTiles > 0) {
            initBarrier(barrier);
            publishBarriers();
            startBulkCopy(to, matrix + firstRowTile * shape.bytes(), bytes(), barrier);
        }
    }

    __device__ __forceinline__ int bytes() const { return rowTiles * int(shape.bytes()); }
    __device__ __forceinline__ int rows() const { return rowTiles * ROWS_PER_TILE; }

    // Floats that the parts of all sums take.
    __device__ __forceinline__ int partFloats() const { return max(BLOCK_WARPS, rowTiles) * ROWS_PER_TILE; }

    // Leaves the sum of each row in parts, which all threads may read afterwards.
    __device__ __forceinline__ void multiply(int warp, const SharedActivations<F>& activations, float* parts) const {
        const int row = threadIdx.x % 32 / CHUNKS_PER_TILE;
        const int chunk = threadIdx.x % CHUNKS_PER_TILE;
        if (rowTiles > 0) waitForCopy(barrier, 0);
#pragma unroll 1
        for (int part = warp; part < rowTiles << logWarpsPerRowTile; part += BLOCK_WARPS) {
            const int rowTile = part >> logWarpsPerRowTile;
            const int share = part - (rowTile << logWarpsPerRowTile);
            const int end = shape.tiles * (share + 1) >> logWarpsPerRowTile;
            float sums[2] = {};
#pragma unroll 1
            for (int tile = shape.tiles * share >> logWarpsPerRowTile; tile < end; tile++) {
                const int chunks = F::NARROW_TILES && tile == shape.tiles - 1 ? shape.lastChunks : CHUNKS_PER_TILE;
                const uint8_t* at = tiles + rowTile * int(shape.bytes()) + tile * F::TILE_BYTES;
                if (!F::NARROW_TILES || chunk < chunks) activations.accumulate(F::load(at, chunks, row, chunk), tile, chunk, sums);
            }
            writeRowTile(sums, parts + part * ROWS_PER_TILE);
        }
        __syncthreads();
    }

    __device__ __forceinline__ float sum(int row, const float* parts) const {
        const float* part = parts + (row / ROWS_PER_TILE << logWarpsPerRowTile) * ROWS_PER_TILE + row % ROWS_PER_TILE;
        float sum = part[0];
        if (logWarpsPerRowTile > 0) sum += part[ROWS_PER_TILE];
#pragma unroll 1
        for (int i = 2; i < 1 << logWarpsPerRowTile; i += 2) sum += part[i * ROWS_PER_TILE] + part[(i + 1) * ROWS_PER_TILE];
        return sum;
    }
};

// projection * (gelu(gate * residual) * multiplier). The residual has `columns` elements, at most 4096: registers are short.
template <class F>
__device__ __forceinline__ void projectGelu(const uint8_t* gate, int rows, int columns, const uint8_t* projection, int projectionRows,
                                            const NormalizeUpTo<2>& residual, const float* multiplier, const Planes& out) {
    extern __shared__ __align__(128) uint8_t shared[];
    // Of the weights of the gate, of those of the projection, and of what the gate makes.
    __shared__ uint64_t barriers[3];

    launchDependents();
    if (threadIdx.x == 0) {
        initBarrier(barriers + 2);
        expectBytes(barriers + 2, SharedActivations<F>::storedBytes(rows));
        publishBarriers();
    }
    __syncwarp();
    arriveAtCluster();
    // Vectors stand at the same place in all blocks.
    const SharedActivations<F> input{shared, RowTileShape<F>(columns).tiles};
    const SharedActivations<F> gated{input.start + input.bytes(), RowTileShape<F>(rows).tiles};
    // Scales are not shared between pairs of row tiles.
    const int pairs = rows / (2 * ROWS_PER_TILE);
    const int rank = clusterRank();
    HeldRowTiles<F> held(gate, columns, pairs * rank / PROJECT_CLUSTER_BLOCKS * 2, pairs * (rank + 1) / PROJECT_CLUSTER_BLOCKS * 2,
                         gated.start + gated.bytes(), barriers);
    const int rowTiles = (projectionRows + ROWS_PER_TILE - 1) / ROWS_PER_TILE;
    const HeldRowTiles<F> next(projection, rows, rowTiles * blockIdx.x / gridDim.x, rowTiles * (blockIdx.x + 1) / gridDim.x,
                               gated.start + gated.bytes() + held.bytes(), barriers + 1);
    float* parts = reinterpret_cast<float*>(gated.start + gated.bytes() + held.bytes() + next.bytes());

    const int lane = threadIdx.x % 32;
    // Through a shuffle the compiler knows that it is the same in all lanes.
    const int warp = __shfl_sync(~0u, threadIdx.x / 32, 0);
    const int firstOfWarp = warp % WARPS_PER_RECEIVER * 32;
    const auto early = residual.readEarly(columns, parts + held.partFloats() + next.partFloats());
    // From here on the others may be written to.
    waitForCluster();
    waitForPredecessors();
    // Reading goes on until the gate is multiplied.
    const float factor = firstOfWarp + lane < held.rows() ? multiplier[held.firstRowTile * ROWS_PER_TILE + firstOfWarp + lane] : 0;
    residual.prepare(early, input, 1, columns);
    __syncthreads();

    // Both products go through the same instructions: whoever is the first to run them waits until they are fetched.
    SharedActivations<F> x = input;
#pragma unroll 1
    for (bool last = false;; last = true) {
        held.multiply(warp, x, parts);
        if (last) break;
        if (firstOfWarp < held.rows()) {
            const float y = firstOfWarp + lane < held.rows() ? geluTanh(held.sum(firstOfWarp + lane, parts)) * factor : 0;
            float quad[4];
#pragma unroll
            for (int i = 0; i < 4; i++) quad[i] = __shfl_sync(~0u, y, (lane * 4 + i) % 32);
            const int first = firstOfWarp + lane * 4;
            gated.store(held.firstRowTile * ROWS_PER_TILE + first, lane < 8 && first < held.rows(), quad,
                        SharedOfOther{warp / WARPS_PER_RECEIVER, barriers + 2});
        }
        // No block ends before it has got everything. Some warps may still read parts for other blocks.
        waitForBytes(barriers + 2, 0);
        parts += held.partFloats();
        held = next;
        x = gated;
    }
    for (int i = threadIdx.x; i < held.rows(); i += BLOCK_THREADS) {
        const int row = held.firstRowTile * ROWS_PER_TILE + i;
        if (row >= projectionRows) break;
        out.plane0[row] = held.sum(i, parts);
        if (out.plane1 != nullptr) out.plane1[row] = 0;
    }
}
#endif
