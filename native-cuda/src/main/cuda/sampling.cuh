#pragma once
#include <math_constants.h>
#include <stdint.h>

// What the kernels that choose tokens share; the meaning is that of io.gemma4j.sampling.

/** Of one row; written by the host. */
struct SamplerOptions {
    uint64_t seed;
    float temperature;
    int top_k;
    float top_p, min_p, typical_p;
    float repetition_penalty, presence_penalty, frequency_penalty;
    int penalty_tokens;
    int unused;
};

/** Of one row. */
struct SamplerState {
    int64_t accepted_tokens; // the place of the next draw in the stream of random numbers
    int64_t emitted_tokens;
};

/** What a chosen token changes; a row each. */
struct Sequences {
    const SamplerOptions* options;
    SamplerState* states;
    int* counts; // null without penalties
    int* window; // null without penalties, or where they look at all tokens
    int window_capacity;
    int* tokens;
    int* positions;
    int64_t* ring; // host memory
    int ring_steps;
};

#define SEQUENCE_PARAMETERS \
    const SamplerOptions *options, SamplerState *states, int *counts, int *window, int window_capacity, int *tokens, int *positions, \
            int64_t *ring, int ring_steps
#define SEQUENCES \
    { options, states, counts, window, window_capacity, tokens, positions, ring, ring_steps }

constexpr int TOKEN_NOT_A_NUMBER = -1;
constexpr int TOKEN_NONE_POSSIBLE = -2;

/** Output number `step` of SplitMix64 as a double in [0, 1). */
__device__ __forceinline__ double uniform(uint64_t seed, int64_t step) {
    uint64_t z = seed + static_cast<uint64_t>(step + 1) * 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return static_cast<double>((z ^ z >> 31) >> 11) * 0x1.0p-53;
}

constexpr uint32_t KEY_NOT_A_NUMBER = 0xFFFFFFFFu;

/** Unsigned order of the keys is the order of the logits; 0 for negative infinity, the highest for NaN; -0 and 0 are equal. */
__device__ __forceinline__ uint32_t logit_key(float logit) {
    uint32_t bits = __float_as_uint(logit + 0.0f);
    uint32_t key = bits & 0x80000000u ? ~bits : bits ^ 0x80000000u;
    return logit == -CUDART_INF_F ? 0 : isnan(logit) ? KEY_NOT_A_NUMBER : key;
}

/** The logit of a key that is neither 0 nor that of NaN. */
__device__ __forceinline__ float key_logit(uint32_t key) {
    return __uint_as_float(key & 0x80000000u ? key ^ 0x80000000u : ~key);
}

/** Unsigned order: the higher logit first, of equal ones the lower token. */
__device__ __forceinline__ uint64_t ranked(uint32_t key, int token) {
    return static_cast<uint64_t>(key) << 32 | ~static_cast<uint32_t>(token);
}

__device__ __forceinline__ uint32_t ranked_key(uint64_t ranked) {
    return static_cast<uint32_t>(ranked >> 32);
}

__device__ __forceinline__ int ranked_token(uint64_t ranked) {
    return static_cast<int>(~static_cast<uint32_t>(ranked));
}

/**
 * Counts the token at `place` of a row's text, which takes the place of an older one in the window if that was counted `before` this call.
 * `counts` and `window` are the row's.
 */
__device__ __forceinline__ void count_token(int token, int64_t place, int64_t before, int penalty_tokens, int* counts, int* window) {
    if (penalty_tokens > 0) {
        int slot = static_cast<int>(place % penalty_tokens);
        if (slot < before) {
            atomicSub(counts + window[slot], 1);
        }
        window[slot] = token;
    }
    atomicAdd(counts + token, 1);
}

/** Makes a token, or one of the error codes, the next one of a row. One thread of the grid calls it for each row. */
__device__ __forceinline__ void emit_token(int token, int row, int rows, int vocabulary, const Sequences& s) {
    SamplerState* state = s.states + row;
    int64_t emitted = state->emitted_tokens++;
    int accepted = max(token, 0);
    s.tokens[row] = accepted;
    s.positions[row]++;
    if (s.counts != nullptr) {
        int64_t place = state->accepted_tokens;
        count_token(accepted, place, place, s.options[row].penalty_tokens, s.counts + static_cast<int64_t>(row) * vocabulary,
                s.window + static_cast<int64_t>(row) * s.window_capacity);
    }
    state->accepted_tokens++;
    // One store of 8 bytes: the host never sees the step without its token.
    volatile int64_t* slot = s.ring + emitted % s.ring_steps * rows + row;
    *slot = (emitted + 1) << 32 | static_cast<uint32_t>(token);
}

/** Whether the calling block is the last one of its row to get here; it then sees what the others wrote before. Resets the counter. */
__device__ __forceinline__ bool last_block_of_row(uint32_t* arrivals) {
    __shared__ bool last;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        last = atomicAdd(arrivals + blockIdx.y, 1) == gridDim.x - 1;
        if (last) {
            arrivals[blockIdx.y] = 0;
        }
    }
    __syncthreads();
    __threadfence();
    return last;
}
