// How the tensor-core products cut their result into tiles: of all rows, or of the slots of one routed expert after the other.
#pragma once
#include "matmul_output.cuh"

constexpr int PRODUCT_ROWS = 128;

/** Panels of both operands; `weight_bytes` is from one matrix of weights to the next. */
struct ProductPanels {
    const uint16_t* in;
    int in_groups;
    const uint16_t* weights;
    int weight_groups;
    int64_t weight_bytes;
    int chunks; // of 64 columns
    int outputs;
};

/** One tile's rows, and which matrix of weights they meet. */
struct ProductTile {
    ProductRows rows;
    int matrix;
};

struct DenseTiles {
    int rows;

    __device__ __forceinline__ int first() const {
        return 0;
    }
    __device__ __forceinline__ int end() const {
        return (rows + PRODUCT_ROWS - 1) / PRODUCT_ROWS;
    }
    __device__ __forceinline__ ProductTile tile(int i) const {
        return {{i * PRODUCT_ROWS, min(rows - i * PRODUCT_ROWS, PRODUCT_ROWS)}, 0};
    }
};

/** The tiles of experts first_expert .. end_expert - 1 from the list that group_slots makes; their weights are those experts'. */
struct ExpertTiles {
    const int4* tiles; // {expert, first row, rows, 0}
    const int* first_tiles; // [experts + 1]
    int first_expert, end_expert;

    __device__ __forceinline__ int first() const {
        return first_tiles[first_expert];
    }
    __device__ __forceinline__ int end() const {
        return first_tiles[end_expert];
    }
    __device__ __forceinline__ ProductTile tile(int i) const {
        int4 t = tiles[i];
        return {{t.y, t.z}, t.x - first_expert};
    }
};
