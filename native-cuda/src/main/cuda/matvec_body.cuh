// One mat-vec: a block's share of the tiles is dealt out to its 16 warps in contiguous runs, sums of row tiles that runs cut are put together in
// shared memory, in the order of the warps. Deterministic: nothing depends on which warp is faster.
#pragma once

#include "dependent_launch.cuh"
#include "matvec_epilogue.cuh"
#include "matvec_prologue.cuh"
#include "tile_stream.cuh"

__device__ __forceinline__ void writeRowTile(float (&sums)[2], float* to) {
#pragma unroll
    for (int lanes = 1; lanes < CHUNKS_PER_TILE; lanes *= 2) {
        sums[0] += __shfl_xor_sync(~0u, sums[0], lanes);
        sums[1] += __shfl_xor_sync(~0u, sums[1], lanes);
    }
    int lane = threadIdx.x % 32;
    if (lane % CHUNKS_PER_TILE == 0) to[lane / CHUNKS_PER_TILE] = sums[0], to[lane / CHUNKS_PER_TILE + 4] = sums[1];
    sums[0] = sums[1] = 0;
}

// Multiplies `count` tiles; `tile` is the place of the first in its row tile, `rowTile` the number of that in the block. Sums of row tiles go to
// `begun`, those of one that an earlier warp began to `continued`, which is null if there is none.
template <class F, class Stream>
__device__ __forceinline__ void multiply(Stream& stream, const RowTileShape<F>& shape, const SharedActivations<F>& activations, int tilesPerRowTile, int count,
                                         int tile, int rowTile, float* continued, float* begun) {
    int lane = threadIdx.x % 32;
    int row = lane / CHUNKS_PER_TILE;
    int chunk = lane % CHUNKS_PER_TILE;
    int tileOfMatrix = F::NARROW_TILES ? tile % shape.tiles : 0;
    float* to = continued != nullptr ? continued : begun + rowTile * ROWS_PER_TILE;
    float sums[2] = {};
#pragma unroll 1
    for (int i = 0; i < count; i++) {
        if (!F::NARROW_TILES) {
            typename F::Fragment fragment = stream.next(CHUNKS_PER_TILE, row, chunk, true);
            activations.accumulate(fragment, tile, chunk, sums);
        } else {
            bool last = ++tileOfMatrix == shape.tiles;
            if (last) tileOfMatrix = 0;
            int chunks = last ? shape.lastChunks : CHUNKS_PER_TILE;
            typename F::Fragment fragment = stream.next(chunks, row, chunk, chunk < chunks);
            if (chunk < chunks) activations.accumulate(fragment, tile, chunk, sums);
        }
        if (++tile == tilesPerRowTile) {
            writeRowTile(sums, to);
            tile = 0;
            to = begun + ++rowTile * ROWS_PER_TILE;
        }
    }
    if (tile != 0) writeRowTile(sums, to);
}

// Of a warp each; continued has the row tile that an earlier warp began, whose number in the block is continuedTile, or -1.
struct WarpsShared {
    uint64_t barriers[BLOCK_WARPS * MAX_RING_STAGES];
    float continued[BLOCK_WARPS][ROWS_PER_TILE];
    int continuedTile[BLOCK_WARPS];
};

// One for all mat-vecs of a kernel.
__device__ __forceinline__ WarpsShared& warpsShared() {
    __shared__ WarpsShared shared;
    return shared;
}

// block numbers the blocks that share this matrix.
template <class F, template <class> class Order, class Prologue, class Epilogue>
__device__ __forceinline__ void matvec(const Weights& w, const Experts& experts, const Prologue& prologue, const Epilogue& epilogue, int block) {
    using Stream = TileStream<F, Order<F>>;
    extern __shared__ __align__(128) uint8_t shared[];
    auto& [barriers, continued, continuedTile] = warpsShared();

    const RowTileShape<F> shape(w.columns);
    const int tilesPerRowTile = Order<F>::tilesPerRowTile(shape, experts);
    const int allTiles = Order<F>::rowTiles(w, experts) * tilesPerRowTile;
    const int firstUnit = block * w.unitsPerBlock + min(block, w.extraUnits);
    const int units = w.unitsPerBlock + (block < w.extraUnits);
    const int first = firstUnit * w.tilesPerUnit;
    const int count = min(first + units * w.tilesPerUnit, allTiles) - first;
    if (Order<F>::IDS_ARE_NEW) waitForPredecessors();
    launchDependents();
    if (count <= 0) {
        waitForPredecessors();
        return;
    }
    const int firstRowTile = first / tilesPerRowTile;

    // Through a shuffle the compiler knows that it is the same in all lanes.
    const int warp = __shfl_sync(~0u, threadIdx.x / 32, 0);
    const int warpFirst = first + count * warp / BLOCK_WARPS;
    const int warpCount = first + count * (warp + 1) / BLOCK_WARPS - warpFirst;
    const int warpRowTile = warpFirst / tilesPerRowTile;
    const int warpTile = warpFirst - warpRowTile * tilesPerRowTile;
    const bool continues = warp != 0 && warpTile != 0;
    if (threadIdx.x % 32 == 0) continuedTile[warp] = continues && warpCount > 0 ? warpRowTile - firstRowTile : -1;

    SharedActivations<F> activations{shared + BLOCK_WARPS * w.ringStages * Stream::STAGE_BYTES, tilesPerRowTile};
    float* readBefore = reinterpret_cast<float*>(activations.start + activations.bytes());
    float* begun = readBefore + Prologue::sharedFloats(w.columns);

    // Weights are fetched before the wait, unless the kernel before says which.
    Stream stream(shared, barriers, warp, w.ringStages, Order<F>(w, experts, warpCount > 0 ? warpFirst : first), warpCount);
    const auto early = prologue.readEarly(w.columns, readBefore);
    waitForPredecessors();
    prologue.prepare(early, activations, tilesPerRowTile / shape.tiles, w.columns);
    __syncthreads();
    multiply<F>(stream, shape, activations, tilesPerRowTile, warpCount, warpTile, warpRowTile - firstRowTile, continues ? continued[warp] : nullptr, begun);
    __syncthreads();

    const int end = first + count;
    const int rowTiles = (end - 1) / tilesPerRowTile - firstRowTile + 1;
    for (int i = threadIdx.x; i < rowTiles * ROWS_PER_TILE; i += BLOCK_THREADS) {
        float sum = begun[i];
#pragma unroll
        for (int other = 1; other < BLOCK_WARPS; other++) {
            if (continuedTile[other] == i / ROWS_PER_TILE) sum += continued[other][i % ROWS_PER_TILE];
        }
        begun[i] = sum;
    }
    __syncthreads();
    epilogue.write({begun, firstRowTile, rowTiles, first % tilesPerRowTile != 0, end % tilesPerRowTile != 0}, w.rows);
}
