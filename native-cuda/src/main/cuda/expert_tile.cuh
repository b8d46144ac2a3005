#pragma once

/** Slots of one expert that one block of expert_matmul multiplies at a time; group_slots cuts them so. */
constexpr int EXPERT_TILE_SLOTS = 64;
