// Attention of many rows of one sequence over its cache of 16-bit floats, on compute capability 9.0. A block takes the query heads of a key/value head for
// as many tokens as give ROWS rows: row r is head r % group of token r / group. Keys and values come through shared memory, copied by the first of three
// warpgroups; scores and sums are those of warpgroup instructions, softmax is in 32-bit floats. Arguments and layouts: attention.md.
#pragma once
#include "half.cuh"
#include "half_panel.cuh"
#include "kv_cache.cuh"
#include "wgmma.cuh"

constexpr int FLASH_THREADS = 384;

struct FlashArguments {
    const uint16_t* queries; // [rows][heads * D], normed and rotated
    int rows, heads, kv_heads;
    int first_position; // of row 0; the others follow
    const KvCacheRef* cache;
    int window;
    uint16_t* out; // a panel [rows][heads * D]
    int groups;
};

#if WGMMA
// 1 / log(2): softmax is computed with powers of two.
constexpr float LOG2_E = 1.4426950408889634f;

/** The rows of a block, and the positions that any of them sees. */
struct FlashBlock {
    int group, kv_head, first_token, tokens;
    int from, last;

    __device__ __forceinline__ FlashBlock(const FlashArguments& a, int block_rows) {
        group = a.heads / a.kv_heads;
        kv_head = blockIdx.y;
        // Later tokens see more, and start first.
        first_token = (gridDim.x - 1 - blockIdx.x) * (block_rows / group);
        tokens = min(block_rows / group, a.rows - first_token);
        from = max(0, a.first_position + first_token - a.window + 1);
        last = a.first_position + first_token + tokens - 1;
    }
    __device__ __forceinline__ int position(const FlashArguments& a, int row) const {
        return a.first_position + first_token + row / group;
    }
    /** Element of queries and results. */
    __device__ __forceinline__ int head(int row) const {
        return kv_head * group + row % group;
    }
};

/** Brings the block's queries to shared memory: [D / 64] operands of ROWS rows. All threads. */
template <int D, int ROWS>
__device__ __forceinline__ void load_queries(const FlashArguments& a, const FlashBlock& block, unsigned char* to) {
    constexpr int UNITS = D / 8;
    for (int i = threadIdx.x; i < ROWS * UNITS; i += FLASH_THREADS) {
        int row = i / UNITS, unit = i % UNITS;
        int token = row / block.group;
        uint4 x = make_uint4(0, 0, 0, 0);
        if (token < block.tokens) {
            int64_t at = (static_cast<int64_t>(block.first_token + token) * a.heads + block.head(row)) * D;
            x = *reinterpret_cast<const uint4*>(a.queries + at + unit * 8);
        }
        *reinterpret_cast<uint4*>(to + unit / 8 * (ROWS * 128) + row * 128 + (unit % 8 ^ row % 8) * 16) = x;
    }
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

__device__ __forceinline__ void copy_unit(uint32_t to, const void* from, bool wanted) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(wanted ? 16 : 0) : "memory");
}

/** This thread's arrival at a barrier once its copies so far have landed. */
__device__ __forceinline__ void arrive_after_copies(uint64_t* barrier) {
    asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(sharedAddress(barrier)) : "memory");
}

/** Waits for what copies of other threads have written, so that matrix instructions may read it. */
__device__ __forceinline__ void wait_for_tile(uint64_t* barrier, uint32_t phase) {
    waitForCopy(barrier, phase);
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

/**
 * Copies KEYS positions from `first` on, dimensions 64 * first_block and the next 64 * BLOCKS - 1, by THREADS threads: an operand of KEYS rows for each 64
 * dimensions. Positions past `last` become zero.
 */
template <int D, int KEYS, int BLOCKS, int THREADS>
__device__ __forceinline__ void copy_tile(unsigned char* to, const uint16_t* head, int slots, int first, int last, int first_block, int thread) {
    constexpr int UNITS = BLOCKS * 8;
    constexpr int STEP = THREADS / UNITS;
    static_assert(STEP <= 8 && 8 % STEP == 0, "the swizzle of later keys is that of the first and a constant");
    int key = thread / UNITS, unit = thread % UNITS;
    uint32_t row = sharedAddress(to) + unit / 8 * (KEYS * 128) + key * 128;
    int swizzled = unit % 8 ^ key;
    const uint16_t* from = head + first_block * 64 + unit * 8;
    int slot = first % slots;
    if (first + KEYS - 1 <= last && slot + KEYS <= slots) {
        from += static_cast<int64_t>(slot + key) * D;
#pragma unroll
        for (int i = 0; i < KEYS / STEP; i++) {
            copy_unit(row + i * STEP * 128 + (swizzled ^ i * STEP % 8) * 16, from + i * STEP * D, true);
        }
    } else {
#pragma unroll 1
        for (int i = 0; i < KEYS / STEP; i++) {
            int position = first + key + i * STEP;
            copy_unit(row + i * STEP * 128 + (swizzled ^ i * STEP % 8) * 16, from + static_cast<int64_t>(position % slots) * D, position <= last);
        }
    }
}

/** A place in a ring of stages that is walked round and round. */
template <int STAGES>
struct RingPlace {
    int stage = 0;
    uint32_t phase = 0;

    __device__ __forceinline__ void next() {
        if (++stage == STAGES) {
            stage = 0;
            phase ^= 1;
        }
    }
};

/** Softmax state of the two rows of a thread. */
struct RunningSoftmax {
    float largest[2] = {-INFINITY, -INFINITY}; // in units of log2
    float sum[2] = {0, 0};
};

/**
 * Scores of 64 keys from `first` on, in units of log2, with those that the rows do not see at negative infinity; returns the largest of each row, over this
 * thread's quad.
 */
__device__ __forceinline__ void mask_and_scale(float (&s)[32], int first, const int (&position)[2], int window, float (&largest)[2]) {
    int lane = threadIdx.x % 4;
    bool all_seen = first + 63 <= min(position[0], position[1]) && first > max(position[0], position[1]) - window;
#pragma unroll
    for (int i = 0; i < 32; i++) {
        int key = first + i / 4 * 8 + 2 * lane + i % 2;
        int of = position[i / 2 % 2];
        bool seen = all_seen || key <= of && key > of - window;
        s[i] = seen ? s[i] * LOG2_E : -INFINITY;
    }
#pragma unroll
    for (int row = 0; row < 2; row++) {
        float m = -INFINITY;
#pragma unroll
        for (int i = 0; i < 16; i++) {
            m = fmaxf(m, s[i / 2 * 4 + 2 * row + i % 2]);
        }
        m = fmaxf(m, __shfl_xor_sync(0xFFFFFFFFu, m, 1));
        largest[row] = fmaxf(m, __shfl_xor_sync(0xFFFFFFFFu, m, 2));
    }
}

/** Takes over new maxima; returns what earlier sums are to be multiplied with. */
__device__ __forceinline__ void raise_maxima(RunningSoftmax& softmax, const float (&largest)[2], float (&factor)[2]) {
#pragma unroll
    for (int row = 0; row < 2; row++) {
        float m = fmaxf(softmax.largest[row], largest[row]);
        // While a row has seen nothing, 0 stands for its maximum.
        factor[row] = m == -INFINITY ? 1 : exp2f(softmax.largest[row] - m);
        softmax.largest[row] = m;
        softmax.sum[row] *= factor[row];
    }
}

/** Scores to probabilities before division by their sum. */
__device__ __forceinline__ void exponentiate(RunningSoftmax& softmax, float (&s)[32]) {
    float m[2];
#pragma unroll
    for (int row = 0; row < 2; row++) {
        m[row] = softmax.largest[row] == -INFINITY ? 0 : softmax.largest[row];
    }
#pragma unroll
    for (int i = 0; i < 32; i++) {
        s[i] = exp2f(s[i] - m[i / 2 % 2]);
        softmax.sum[i / 2 % 2] += s[i];
    }
}

__device__ __forceinline__ float sum_of_quad(float x) {
    x += __shfl_xor_sync(0xFFFFFFFFu, x, 1);
    return x + __shfl_xor_sync(0xFFFFFFFFu, x, 2);
}

__device__ __forceinline__ void scale_sums(float (&o)[128], const float (&factor)[2]) {
    if (__any_sync(0xFFFFFFFFu, factor[0] != 1 || factor[1] != 1)) {
#pragma unroll
        for (int i = 0; i < 128; i++) {
            o[i] *= factor[i / 2 % 2];
        }
    }
}

/** Stores 256 dimensions from first_dim on of rows `row` and `row` + 8 of the block. */
template <int D>
__device__ __forceinline__ void store_attended(const FlashArguments& a, const FlashBlock& block, int row, int first_dim, const float (&o)[128],
        const float (&sum)[2]) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
        int of = row + 8 * half;
        int token = of / block.group;
        if (token < block.tokens) {
            float inverse = 1 / sum[half];
            int place = block.first_token + token;
            int column = block.head(of) * D + first_dim;
#pragma unroll
            for (int j = 0; j < 32; j++) {
                *reinterpret_cast<uint32_t*>(a.out + panel_index(a.groups, place, column + 8 * j + threadIdx.x % 4 * 2)) =
                        floats_to_half2(o[4 * j + 2 * half] * inverse, o[4 * j + 2 * half + 1] * inverse);
            }
        }
    }
}
#endif
