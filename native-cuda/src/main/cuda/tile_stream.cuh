// The tiles of one warp, in order, through a ring of bulk copies in shared memory or, before compute capability 9.0, through registers.
#pragma once

#include "bulk_copy.cuh"
#include "matvec_arguments.cuh"
#include "tile_layout.cuh"

// Tiles are numbered through a sequence of row tiles. A place gives the tiles of one order, one after the other, beginning anywhere.
// IDS_ARE_NEW: the kernel before writes which matrices there are.

// Row tiles of one matrix.
template <class F>
struct MatrixOrder {
    static constexpr bool IDS_ARE_NEW = false;
    RowTileShape<F> shape;
    const uint8_t* at;
    int tile;

    __device__ __forceinline__ MatrixOrder(const Weights& w, const Experts&, int first) : shape(w.columns) {
        int rowTile = first / shape.tiles;
        tile = first - rowTile * shape.tiles;
        at = w.tiles + rowTile * shape.bytes() + tile * F::TILE_BYTES;
    }

    static __device__ __forceinline__ int tilesPerRowTile(const RowTileShape<F>& shape, const Experts&) { return shape.tiles; }
    static __device__ __forceinline__ int rowTiles(const Weights& w, const Experts&) { return (w.rows + ROWS_PER_TILE - 1) / ROWS_PER_TILE; }

    __device__ __forceinline__ int bytes() const { return shape.tileBytes(tile); }

    __device__ __forceinline__ void advance() {
        at += bytes();
        if (++tile == shape.tiles) tile = 0;
    }
};

// Row tiles of the first expert, then those of the second, and so on.
template <class F>
struct ExpertsBelowOrder : MatrixOrder<F> {
    static constexpr bool IDS_ARE_NEW = true;
    const uint8_t* tiles;
    Experts experts;
    int rowTilesPerSlot;
    int rowTile;
    int slot;

    __device__ __forceinline__ ExpertsBelowOrder(const Weights& w, const Experts& e, int first)
        : MatrixOrder<F>(w, e, first), tiles(w.tiles), experts(e), rowTilesPerSlot((w.rows + ROWS_PER_TILE - 1) / ROWS_PER_TILE) {
        int number = first / this->shape.tiles;
        slot = number / rowTilesPerSlot;
        rowTile = number - slot * rowTilesPerSlot;
        this->at = tiles + __ldcg(e.ids + slot) * e.bytes + rowTile * this->shape.bytes() + this->tile * F::TILE_BYTES;
    }

    static __device__ __forceinline__ int rowTiles(const Weights& w, const Experts& e) { return MatrixOrder<F>::rowTiles(w, e) * e.slots; }

    __device__ __forceinline__ void advance() {
        MatrixOrder<F>::advance();
        if (this->tile != 0 || ++rowTile != rowTilesPerSlot || ++slot == experts.slots) return;
        rowTile = 0;
        this->at = tiles + __ldcg(experts.ids + slot) * experts.bytes;
    }
};

// Each row tile is that of the first expert, followed by that of the second, and so on: their inputs are concatenated along K.
template <class F>
struct ExpertsBesideOrder : MatrixOrder<F> {
    // The kernel before, which multiplies with the experts' other matrices, waits for the ids before it lets this one start.
    static constexpr bool IDS_ARE_NEW = false;
    const uint8_t* tiles;
    Experts experts;
    int rowTile;
    int slot;

    __device__ __forceinline__ ExpertsBesideOrder(const Weights& w, const Experts& e, int first)
        : MatrixOrder<F>(w, e, first), tiles(w.tiles), experts(e) {
        int number = first / this->shape.tiles;
        rowTile = number / e.slots;
        slot = number - rowTile * e.slots;
        this->at = start() + this->tile * F::TILE_BYTES;
    }

    static __device__ __forceinline__ int tilesPerRowTile(const RowTileShape<F>& shape, const Experts& e) { return shape.tiles * e.slots; }

    __device__ __forceinline__ const uint8_t* start() const { return tiles + __ldcg(experts.ids + slot) * experts.bytes + rowTile * this->shape.bytes(); }

    __device__ __forceinline__ void advance() {
        if (++this->tile != this->shape.tiles) {
            this->at += F::TILE_BYTES;
            return;
        }
        this->tile = 0;
        if (++slot == experts.slots) slot = 0, ++rowTile;
        this->at = start();
    }
};

#if BULK_COPY
// A ring of stages of one tile. Only this warp reads them, so a warp barrier is all that frees a stage. All lanes keep the books, so that these stay in
// uniform registers; lane 0 starts the copies.
template <class F, class Order>
struct TileStream {
    static constexpr int STAGE_BYTES = F::TILE_BYTES;
    uint8_t* ring;
    uint64_t* barriers;
    int stages;
    int stage = 0;
    unsigned parity = 0;
    int toCopy;
    Order order;

    __device__ __forceinline__ TileStream(uint8_t* rings, uint64_t* allBarriers, int warp, int stages, const Order& order, int count)
        : ring(rings + warp * stages * STAGE_BYTES), barriers(allBarriers + warp * MAX_RING_STAGES), stages(stages), toCopy(count), order(order) {
        if (threadIdx.x % 32 == 0) {
#pragma unroll 1
            for (int i = 0; i < stages; i++) initBarrier(barriers + i);
            publishBarriers();
        }
#pragma unroll 1
        for (int i = 0; i < stages && toCopy > 0; i++) copyNext(i);
    }

    __device__ __forceinline__ void copyNext(int into) {
        if (threadIdx.x % 32 == 0) startBulkCopy(ring + into * STAGE_BYTES, order.at, order.bytes(), barriers + into);
        order.advance();
        toCopy--;
    }

    __device__ __forceinline__ typename F::Fragment next(int chunks, int row, int chunk, bool inside) {
        waitForCopy(barriers + stage, parity);
        typename F::Fragment fragment;
        if (inside) fragment = F::load(ring + stage * STAGE_BYTES, chunks, row, chunk);
        __syncwarp();
        if (toCopy > 0) copyNext(stage);
        if (++stage == stages) stage = 0, parity ^= 1;
        return fragment;
    }
};
#else
// One tile ahead in registers.
template <class F, class Order>
struct TileStream {
    static constexpr int STAGE_BYTES = 0;
    int toLoad;
    Order order;
    typename F::Fragment ahead;

    __device__ __forceinline__ TileStream(uint8_t*, uint64_t*, int, int, const Order& order, int count) : toLoad(count), order(order) { loadNext(); }

    __device__ __forceinline__ void loadNext() {
        if (toLoad-- <= 0) return;
        int lane = threadIdx.x % 32;
        int chunks = order.tile == order.shape.tiles - 1 ? order.shape.lastChunks : CHUNKS_PER_TILE;
        if (lane % 8 < chunks) ahead = F::load(order.at, chunks, lane / 8, lane % 8);
        order.advance();
    }

    __device__ __forceinline__ typename F::Fragment next(int, int, int, bool) {
        typename F::Fragment fragment = ahead;
        loadNext();
        return fragment;
    }
};
#endif
