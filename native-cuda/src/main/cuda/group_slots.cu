#include "expert_tile.cuh"

/**
 * Sorts slots by expert, in ascending order within each, and cuts each expert's slots into tiles of EXPERT_TILE_SLOTS: tiles[i] = {expert, first
 * place in sorted_slots, slots, 0}. One block of 1024 threads, shared memory 2 * expert_count ints. Warp w takes experts w, w + 32, ... and looks
 * at all slots, 32 at a time.
 */
extern "C" __global__ void __launch_bounds__(1024) group_slots(
        const int* experts, int slots, int expert_count, int* sorted_slots, int4* tiles, int* tile_count) {
    extern __shared__ int counts[];
    int* starts = counts + expert_count;
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    for (int expert = warp; expert < expert_count; expert += 32) {
        int count = 0;
        for (int slot = lane; slot < slots; slot += 32) {
            count += experts[slot] == expert;
        }
        count = __reduce_add_sync(0xFFFFFFFFu, count);
        if (lane == 0) {
            counts[expert] = count;
        }
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        int place = 0, tile = 0;
        for (int expert = 0; expert < expert_count; expert++) {
            starts[expert] = place;
            for (int first = 0; first < counts[expert]; first += EXPERT_TILE_SLOTS) {
                tiles[tile++] = make_int4(expert, place + first, min(counts[expert] - first, EXPERT_TILE_SLOTS), 0);
            }
            place += counts[expert];
        }
        *tile_count = tile;
    }
    __syncthreads();
    for (int expert = warp; expert < expert_count; expert += 32) {
        int place = starts[expert];
        for (int first = 0; first < slots; first += 32) {
            bool mine = first + lane < slots && experts[first + lane] == expert;
            unsigned members = __ballot_sync(0xFFFFFFFFu, mine);
            if (mine) {
                sorted_slots[place + __popc(members & ((1u << lane) - 1))] = first + lane;
            }
            place += __popc(members);
        }
    }
}
