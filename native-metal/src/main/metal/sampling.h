#pragma once
#include <metal_stdlib>
using namespace metal;

// What the kernels that choose tokens share; the meaning is that of io.gemma4j.sampling.

/** Candidates that sample_top_k looks at, at most. */
constant constexpr uint MAX_CANDIDATES = 64;
/** Logits, or candidates, that a threadgroup looks at. */
constant constexpr uint CHUNK = 2048;

constant constexpr int TOKEN_NOT_A_NUMBER = -1;
constant constexpr int TOKEN_NONE_POSSIBLE = -2;
constant constexpr uint KEY_NOT_A_NUMBER = 0xFFFFFFFFu;
constant constexpr uint KEY_INFINITY = 0xFF800000u;

/** Unsigned order of the keys is the order of the logits; 0 for negative infinity, the highest for NaN; -0 and 0 are equal. */
static inline uint logit_key(float logit) {
    const uint bits = as_type<uint>(logit);
    const uint magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u) {
        return KEY_NOT_A_NUMBER;
    }
    if (magnitude == 0) {
        return 0x80000000u;
    }
    return bits == 0xFF800000u ? 0 : bits & 0x80000000u ? ~bits : bits ^ 0x80000000u;
}

/** The logit of a key that is neither 0 nor that of NaN. */
static inline float key_logit(uint key) {
    return as_type<float>(key & 0x80000000u ? key ^ 0x80000000u : ~key);
}

/** Unsigned order: the higher logit first, of equal ones the lower token. */
static inline ulong ranked(uint key, uint token) {
    return ulong(key) << 32 | ulong(~token);
}

static inline uint ranked_key(ulong rank) {
    return uint(rank >> 32);
}

static inline uint ranked_token(ulong rank) {
    return ~uint(rank);
}

/** Where a chosen token goes: the next input, inside the vocabulary also after an error, and what the host reads, which may be an error code. */
static inline void emit_token(int token, device int * next_input, device int * result) {
    *next_input = max(token, 0);
    *result = token;
}
