#include "expert_tile.cuh"

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
 * Sorts slots by expert, in no particular order within each, and cuts each expert's slots into tiles of EXPERT_TILE_SLOTS: tiles[i] = {expert,
 * first place in sorted_slots, slots, 0}. One block, shared memory 2 * expert_count ints.
 */
extern "C" __global__ void __launch_bounds__(1024) group_slots(
        const int* experts, int slots, int expert_count, int* sorted_slots, int4* tiles, int* tile_count) {
    extern __shared__ int counts[];
    int* next_places = counts + expert_count;
    for (int expert = threadIdx.x; expert < expert_count; expert += blockDim.x) {
        counts[expert] = 0;
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
            int places, tile_places;
            int place = first_place + sum_before(count, places);
            int tile = first_tile + sum_before((count + EXPERT_TILE_SLOTS - 1) / EXPERT_TILE_SLOTS, tile_places);
            for (int done = 0; done < count; done += EXPERT_TILE_SLOTS) {
                tiles[tile++] = make_int4(expert, place + done, min(count - done, EXPERT_TILE_SLOTS), 0);
            }
            if (expert < expert_count) {
                next_places[expert] = place;
            }
            first_place += places;
            first_tile += tile_places;
        }
        if (threadIdx.x == 0) {
            *tile_count = first_tile;
        }
    }
    __syncthreads();
    for (int slot = threadIdx.x; slot < slots; slot += blockDim.x) {
        sorted_slots[atomicAdd(next_places + experts[slot], 1)] = slot;
    }
}
