#include "expert_tile.h"

struct GroupSlotsArguments {
    uint slots;
    uint expert_count;
};
static_assert(sizeof(GroupSlotsArguments) == 8, "as in MetalExperts");

constant constexpr uint MAX_EXPERTS = 1024;

/**
 * Sorts slots by expert, and cuts each expert's into tiles {expert, first place in sorted_slots, slots, 0}. Slots of an expert come in any order: a slot's
 * result does not depend on its place. Grid (1), one threadgroup of any size; at most 1024 experts.
 */
kernel void group_slots(device const int * experts [[buffer(0)]], device int * sorted_slots [[buffer(1)]], device int4 * tiles [[buffer(2)]],
        device int * tile_count [[buffer(3)]], constant GroupSlotsArguments & args [[buffer(4)]],
        ushort thread_index [[thread_index_in_threadgroup]], ushort threads [[threads_per_threadgroup]]) {
    threadgroup atomic_uint places[MAX_EXPERTS];
    for (uint expert = thread_index; expert < args.expert_count; expert += threads) {
        atomic_store_explicit(&places[expert], 0u, memory_order_relaxed);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint slot = thread_index; slot < args.slots; slot += threads) {
        atomic_fetch_add_explicit(&places[experts[slot]], 1u, memory_order_relaxed);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    // One thread: there are few experts, and they have to be in order for the next step.
    if (thread_index == 0) {
        uint first = 0;
        uint tile = 0;
        for (uint expert = 0; expert < args.expert_count; expert++) {
            const uint count = atomic_load_explicit(&places[expert], memory_order_relaxed);
            atomic_store_explicit(&places[expert], first, memory_order_relaxed);
            for (uint done = 0; done < count; done += EXPERT_TILE) {
                tiles[tile++] = int4(int(expert), int(first + done), int(min(EXPERT_TILE, count - done)), 0);
            }
            first += count;
        }
        tile_count[0] = int(tile);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint slot = thread_index; slot < args.slots; slot += threads) {
        const uint place = atomic_fetch_add_explicit(&places[experts[slot]], 1u, memory_order_relaxed);
        sorted_slots[place] = int(slot);
    }
}
