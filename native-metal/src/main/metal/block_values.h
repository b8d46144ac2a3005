#pragma once
#include <metal_stdlib>
using namespace metal;

// How four codes of a block become numbers, and loads that respect the alignment of packed blocks.

/** Four bytes as exact numbers, less zero: as mantissas of 1024 they are halves already, so that no conversion instruction is needed. */
static inline half4 bytes_less(uint bytes, half zero) {
    const half2 even = as_type<half2>((bytes & 0x00FF00FFu) | 0x64006400u) - half2(half(1024.0f) + zero);
    const half2 odd = as_type<half2>(((bytes >> 8) & 0x00FF00FFu) | 0x64006400u) - half2(half(1024.0f) + zero);
    return half4(even.x, odd.x, even.y, odd.y);
}

/** Four levels chosen by the low nibbles of four bytes. */
static inline half4 levels_at(constant half * levels, uint nibbles) {
    return half4(levels[nibbles & 15], levels[(nibbles >> 8) & 15], levels[(nibbles >> 16) & 15], levels[nibbles >> 24]);
}

/** The 32-bit word of which only the alignment of its halves is known. */
static inline uint word(device const ushort * halves) {
    return uint(halves[0]) | uint(halves[1]) << 16;
}

static inline uint word(device const uchar * bytes) {
    return uint(bytes[0]) | uint(bytes[1]) << 8 | uint(bytes[2]) << 16 | uint(bytes[3]) << 24;
}

/** Four neighbouring bits, lowest first, each as bit 4 of a byte. */
static inline uint fifth_bits(uint bits) {
    return (bits & 1) << 4 | (bits & 2) << 11 | (bits & 4) << 18 | (bits & 8) << 25;
}
