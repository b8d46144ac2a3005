// The running softmax of attention (Milakov and Gimelshein, 2018; Dao et al., 2022) of a few columns (query heads of one or more tokens), by one block:
// what it keeps while tiles of keys go by, whatever they are read from.
//
// A block has a warp for each 64 dimensions. Of a tile of 16 keys per warp, each warp computes the scores of its own 16 keys and then adds to
// its own 64 dimensions of the output, so only scores cross between warps.
#pragma once

#include "attention_fragments.cuh"

// Probabilities are kept times 2^15: a half then holds them down to 2^-39 and the largest is still finite.
constexpr float PROBABILITY_EXPONENT = 15;
constexpr float PROBABILITY_SCALE = 32768;
constexpr float LOG2_E = 1.4426950408889634f;
constexpr float NOTHING = -INFINITY;

__device__ __forceinline__ float exp2Approximately(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

template <int D, int COLUMN_TILES>
struct AttentionTile {
    static constexpr int WARPS = D / 64;
    static constexpr int THREADS = 32 * WARPS;
    static constexpr int TILE_KEYS = 16 * WARPS;
    static constexpr int COLUMNS = 8 * COLUMN_TILES;
    // Several columns share a fragment; one column tile alone needs independent sums to keep the tensor cores busy.
    static constexpr int CHAINS = COLUMN_TILES > 1 ? 1 : D == 256 ? 4 : 2;
    // Halves between rows in shared memory, such that the rows of a fragment fall into different banks.
    static constexpr int QUERY_STRIDE = D + 32;
    static constexpr int PROBABILITY_STRIDE = TILE_KEYS + 16;

    struct Shared {
        uint16_t queries[2][COLUMNS][QUERY_STRIDE];
        uint16_t probabilities[2][COLUMNS][PROBABILITY_STRIDE];
        float perWarp[WARPS][COLUMNS];
    };
};

// Which positions of a run a column sees: all of them.
struct WholeRun {
    __device__ __forceinline__ bool operator()(int, int) const { return true; }
};

template <int D, int COLUMN_TILES>
class RunningAttention {
public:
    using Shape = AttentionTile<D, COLUMN_TILES>;

    // Of the lane's columns 8 * tile + 2 * t + {0, 1}: the maximum of the scores, and this lane's part of the sum.
    float maximum[COLUMN_TILES][2];
    float sum[COLUMN_TILES][2];
    // [tile][i][0, 1]: dimension 64 * warp + 8 * g + 2 * i of the lane's two columns; [2, 3]: the dimension after it.
    float output[COLUMN_TILES][4][4];

    __device__ __forceinline__ RunningAttention(typename Shape::Shared &shared)
        : shared(shared), warp(threadIdx.x / 32), g(threadIdx.x % 32 / 4), t(threadIdx.x % 4) {}

    // No key seen yet.
    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int n = 0; n < COLUMN_TILES; n++) {
#pragma unroll
            for (int e = 0; e < 2; e++) {
                maximum[n][e] = NOTHING;
                sum[n][e] = 0;
            }
#pragma unroll
            for (int i = 0; i < 4; i++) {
#pragma unroll
                for (int e = 0; e < 4; e++) {
                    output[n][i][e] = 0;
                }
            }
        }
    }

    // Goes on from what another has seen, with the same queries.
    __device__ __forceinline__ void continueFrom(const RunningAttention &other) {
#pragma unroll
        for (int n = 0; n < COLUMN_TILES; n++) {
#pragma unroll
            for (int e = 0; e < 2; e++) {
                maximum[n][e] = other.maximum[n][e];
                sum[n][e] = other.sum[n][e];
            }
#pragma unroll
            for (int i = 0; i < 4; i++) {
#pragma unroll
                for (int e = 0; e < 4; e++) {
                    output[n][i][e] = other.output[n][i][e];
                }
            }
        }
    }

    // Makes sum the total of a column, in all lanes that have it.
    __device__ __forceinline__ void finish() {
#pragma unroll
        for (int n = 0; n < COLUMN_TILES; n++) {
#pragma unroll
            for (int e = 0; e < 2; e++) {
                const float part = overKeys(sum[n][e], [](float a, float b) { return a + b; });
                if (g == 0) {
                    shared.perWarp[warp][8 * n + 2 * t + e] = part;
                }
            }
        }
        __syncthreads();
#pragma unroll
        for (int n = 0; n < COLUMN_TILES; n++) {
#pragma unroll
            for (int e = 0; e < 2; e++) {
                sum[n][e] = 0;
#pragma unroll
                for (int w = 0; w < Shape::WARPS; w++) {
                    sum[n][e] += shared.perWarp[w][8 * n + 2 * t + e];
                }
            }
        }
    }

protected:
    typename Shape::Shared &shared;
    const int warp;
    const int g;
    const int t;

    template <class Combine>
    static __device__ __forceinline__ float overKeys(float x, Combine combine) {
#pragma unroll
        for (int lanes = 4; lanes < 32; lanes *= 2) {
            x = combine(x, __shfl_xor_sync(0xffffffff, x, lanes));
        }
        return x;
    }

    // Turns the scores of a tile into probabilities in shared memory, and brings sum and output to the new maximum. keys: how many there are, from
    // firstPosition on. BetweenTiles() is called when no warp reads what belongs to the tile before; all see what it stores when this returns.
    template <class Visible, class BetweenTiles>
    __device__ __forceinline__ void softmax(float (&scores)[COLUMN_TILES][Shape::CHAINS][4], int keys, int firstPosition, Visible visible,
                                            BetweenTiles betweenTiles) {
        const int key = 16 * warp + g;
        const int position = firstPosition + key;
#pragma unroll
        for (int n = 0; n < COLUMN_TILES; n++) {
            float(&s)[4] = scores[n][0];
#pragma unroll
            for (int e = 0; e < 4; e++) {
#pragma unroll
                for (int chain = 1; chain < Shape::CHAINS; chain++) {
                    s[e] += scores[n][chain][e];
                }
                if (key + 8 * (e / 2) >= keys || !visible(8 * n + 2 * t + e % 2, position + 8 * (e / 2))) {
                    s[e] = NOTHING;
                }
            }
#pragma unroll
            for (int e = 0; e < 2; e++) {
                const float highest = overKeys(fmaxf(s[e], s[e + 2]), fmaxf);
                if (g == 0) {
                    shared.perWarp[warp][8 * n + 2 * t + e] = highest;
                }
            }
        }
        __syncthreads();
        betweenTiles();
#pragma unroll
        for (int n = 0; n < COLUMN_TILES; n++) {
            float(&s)[4] = scores[n][0];
#pragma unroll
            for (int e = 0; e < 2; e++) {
                const int column = 8 * n + 2 * t + e;
                float highest = maximum[n][e];
#pragma unroll
                for (int w = 0; w < Shape::WARPS; w++) {
                    highest = fmaxf(highest, shared.perWarp[w][column]);
                }
                // A column that has seen no key yet keeps its zeros.
                const float base = highest == NOTHING ? 0 : highest;
                const float rescale = exp2Approximately((maximum[n][e] - base) * LOG2_E);
                maximum[n][e] = highest;
                const float p0 = exp2Approximately(fmaf(s[e] - base, LOG2_E, PROBABILITY_EXPONENT));
                const float p8 = exp2Approximately(fmaf(s[e + 2] - base, LOG2_E, PROBABILITY_EXPONENT));
                sum[n][e] = fmaf(sum[n][e], rescale, p0 + p8);
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    output[n][i][e] *= rescale;
                    output[n][i][e + 2] *= rescale;
                }
                const SplitPair halves = splitPair(p0, p8);
                shared.probabilities[0][column][key] = static_cast<uint16_t>(halves.high);
                shared.probabilities[0][column][key + 8] = static_cast<uint16_t>(halves.high >> 16);
                shared.probabilities[1][column][key] = static_cast<uint16_t>(halves.low);
                shared.probabilities[1][column][key + 8] = static_cast<uint16_t>(halves.low >> 16);
            }
        }
        __syncthreads();
    }
};
