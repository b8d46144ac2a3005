#include "matmul_tiles.cuh"

/** Sum of the values of the lanes below this one; `total` of all. */
__device__ __forceinline__ int sum_before(int value, int& total) {
    int lane = threadIdx.x % 32, sum = value;
    for (int distance = 1; distance < 32; distance *= 2) {
        int below = __shfl_up_sync(0xFFFFFFFFu, sum, distance);
        sum += lane >= distance ? below : 0;
    }
    total = __shfl_sync(0xFFFFFFFFu, sum, 31);
    return sum - value;
}

/**
 * Sorts slots by expert, in no particular order within each; an expert's slots begin at a multiple of PANEL_ROWS, and places between are -1. Cuts each
 * expert's slots into tiles of PRODUCT_ROWS: tiles[i] = {expert, first place in sorted_slots, slots, 0}; those of expert e are first_tiles[e] ..
 * first_tiles[e + 1] - 1. One block, shared memory 2 * expert_count ints.
 */
extern "C" __global__ void __launch_bounds__(1024) group_slots(
        const int* experts, int slots, int expert_count, int* sorted_slots, int places, int4* tiles, int* first_tiles) {
    extern __shared__ int counts[];
    int* next_places = counts + expert_count;
    for (int expert = threadIdx.x; expert < expert_count; expert += blockDim.x) {
        counts[expert] = 0;
    }
    for (int place = threadIdx.x; place < places; place += blockDim.x) {
        sorted_slots[place] = -1;
    }
    __syncthreads();
    for (int slot = threadIdx.x; slot < slots; slot += blockDim.x) {
        atomicAdd(counts + experts[slot], 1);
    }
    __syncthreads();
    if (threadIdx.x < 32) {
        int first_place = 0, first_tile = 0;
        for (int first = 0; first < expert_count; first += 32) {
            int expert = first + threadIdx.x;
            int count = expert < expert_count ? counts[expert] : 0;
            int places_of_all, tiles_of_all;
            int place = first_place + sum_before((count + PANEL_ROWS - 1) / PANEL_ROWS * PANEL_ROWS, places_of_all);
            int tile = first_tile + sum_before((count + PRODUCT_ROWS - 1) / PRODUCT_ROWS, tiles_of_all);
            if (expert < expert_count) {
                next_places[expert] = place;
                first_tiles[expert] = tile;
            }
            for (int done = 0; done < count; done += PRODUCT_ROWS) {
                tiles[tile++] = make_int4(expert, place + done, min(count - done, PRODUCT_ROWS), 0);
            }
            first_place += places_of_all;
            first_tile += tiles_of_all;
        }
        if (threadIdx.x == 0) {
            first_tiles[expert_count] = first_tile;
        }
    }
    __syncthreads();
    for (int slot = threadIdx.x; slot < slots; slot += blockDim.x) {
        sorted_slots[atomicAdd(next_places + experts[slot], 1)] = slot;
    }
}
