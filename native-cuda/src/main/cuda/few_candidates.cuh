#pragma once
#include "sampling.cuh"

// The stages after top-k for at most 64 candidates, which one warp holds: candidate i = lane + 32 r is in register r of a lane.

constexpr uint32_t ALL_LANES = 0xFFFFFFFFu;

/** Merges step: of elements i and i ^ stride, for all i, the larger one comes first where bit `size` of i is 0. */
__device__ __forceinline__ void compare_and_swap(uint64_t (&v)[2], int size, int stride) {
    int lane = threadIdx.x % 32;
    if (stride == 32) {
        uint64_t high = max(v[0], v[1]);
        v[1] = min(v[0], v[1]);
        v[0] = high;
        return;
    }
#pragma unroll
    for (int r = 0; r < 2; r++) {
        uint64_t other = __shfl_xor_sync(ALL_LANES, v[r], stride);
        bool larger = ((lane & stride) == 0) == ((lane + 32 * r & size) == 0);
        v[r] = larger == (other > v[r]) ? other : v[r];
    }
}

/** Sorts 64 different values of a warp (0 may repeat), the largest first: a bitonic network. */
__device__ __forceinline__ void sort_64(uint64_t (&v)[2]) {
#pragma unroll
    for (int size = 2; size <= 64; size *= 2) {
#pragma unroll
        for (int stride = size / 2; stride > 0; stride /= 2) {
            compare_and_swap(v, size, stride);
        }
    }
}

/** Where merge_largest_64 wants the elements of the other list: a lane's register r has element 63 - lane - 32 r. */
__device__ __forceinline__ int reversed_place(int r) {
    return 63 - threadIdx.x % 32 - 32 * r;
}

/** The 64 largest of v and of another list, the largest first; v is sorted, the other one as well, and reversed. */
__device__ __forceinline__ void merge_largest_64(uint64_t (&v)[2], uint64_t reversed_0, uint64_t reversed_1) {
    // The larger one of each pair: the 64 largest, as a sequence that falls, then rises.
    v[0] = max(v[0], reversed_0);
    v[1] = max(v[1], reversed_1);
#pragma unroll
    for (int stride = 32; stride > 0; stride /= 2) {
        compare_and_swap(v, 64, stride);
    }
}

struct FewCandidates {
    int token[2];
    float logit[2];
    double weight[2];
    bool alive[2];

    /** The first k of the ranked values. Where there are logits of positive infinity only they count, as equals. */
    __device__ __forceinline__ FewCandidates(const uint64_t (&ranks)[2], int k) {
        constexpr uint32_t KEY_INFINITY = 0xFF800000u;
        bool infinite = ranked_key(__shfl_sync(ALL_LANES, ranks[0], 0)) == KEY_INFINITY;
#pragma unroll
        for (int r = 0; r < 2; r++) {
            uint32_t key = ranked_key(ranks[r]);
            token[r] = ranked_token(ranks[r]);
            alive[r] = threadIdx.x % 32 + 32 * r < k && (infinite ? key == KEY_INFINITY : key != 0);
            logit[r] = infinite || !alive[r] ? 0 : key_logit(key);
        }
    }

    /** weight = exp((logit - max) / temperature); returns the sum. */
    __device__ __forceinline__ double weigh(double temperature) {
        double max = max_logit();
        double total = 0;
#pragma unroll
        for (int r = 0; r < 2; r++) {
            weight[r] = alive[r] ? exp((logit[r] - max) / temperature) : 0;
            total += weight[r];
        }
        return sum(total);
    }

    __device__ __forceinline__ void typical_p(float fraction) {
        double total = weigh(1);
        double max = max_logit();
        double mean = sum(weight[0] * (logit[0] - max) + weight[1] * (logit[1] - max)) / total;
        float score[2];
#pragma unroll
        for (int r = 0; r < 2; r++) {
            score[r] = static_cast<float>(-fabs(mean - (logit[r] - max)));
        }
        keep_nucleus(score, fraction * total);
    }

    __device__ __forceinline__ void top_p(float fraction) {
        double target = fraction * weigh(1);
        // Candidates are in descending order, so what is above one is what stands before it.
        double up_to[2] = {weight[0], weight[1]};
        int lane = threadIdx.x % 32;
        for (int distance = 1; distance < 32; distance *= 2) {
#pragma unroll
            for (int r = 0; r < 2; r++) {
                double before = __shfl_up_sync(ALL_LANES, up_to[r], distance);
                up_to[r] += lane >= distance ? before : 0;
            }
        }
        up_to[1] += __shfl_sync(ALL_LANES, up_to[0], 31);
        uint32_t lower = __ballot_sync(ALL_LANES, alive[0]), upper = __ballot_sync(ALL_LANES, alive[1]);
        uint32_t first = lower != 0 ? __ffs(lower) - 1 : 31 + __ffs(upper);
#pragma unroll
        for (int r = 0; r < 2; r++) {
            alive[r] = alive[r] && (lane + 32 * r == first || up_to[r] - weight[r] < target);
        }
    }

    __device__ __forceinline__ void min_p(float fraction) {
        double threshold = max_logit() + log(static_cast<double>(fraction));
#pragma unroll
        for (int r = 0; r < 2; r++) {
            alive[r] = alive[r] && logit[r] >= threshold;
        }
    }

    /** The lowest token at which the running sum of the weights, by ascending token, exceeds the target; without one the last that has weight. */
    __device__ __forceinline__ int draw(double target) {
        double running[2] = {};
        for_each_alive([&](int their_token, float, double their_weight) {
#pragma unroll
            for (int r = 0; r < 2; r++) {
                running[r] += their_token <= token[r] ? their_weight : 0;
            }
        }, logit);
        int reached = INT32_MAX, last = -1;
#pragma unroll
        for (int r = 0; r < 2; r++) {
            if (alive[r] && weight[r] > 0) {
                reached = running[r] > target ? min(reached, token[r]) : reached;
                last = max(last, token[r]);
            }
        }
        reached = __reduce_min_sync(ALL_LANES, reached);
        last = __reduce_max_sync(ALL_LANES, last);
        return reached == INT32_MAX ? last : reached;
    }

private:
    __device__ __forceinline__ double max_logit() const {
        float max = -CUDART_INF_F;
#pragma unroll
        for (int r = 0; r < 2; r++) {
            max = alive[r] ? fmaxf(max, logit[r]) : max;
        }
        for (int other = 16; other > 0; other /= 2) {
            max = fmaxf(max, __shfl_xor_sync(ALL_LANES, max, other));
        }
        return max;
    }

    static __device__ __forceinline__ double sum(double value) {
        for (int other = 16; other > 0; other /= 2) {
            value += __shfl_xor_sync(ALL_LANES, value, other);
        }
        return value;
    }

    /** Calls visit(token, score, weight) in every lane for each candidate. */
    template <class VISIT>
    __device__ __forceinline__ void for_each_alive(VISIT visit, const float (&score)[2]) const {
#pragma unroll
        for (int r = 0; r < 2; r++) {
            for (uint32_t rest = __ballot_sync(ALL_LANES, alive[r]); rest != 0; rest &= rest - 1) {
                int lane = __ffs(rest) - 1;
                visit(__shfl_sync(ALL_LANES, token[r], lane), __shfl_sync(ALL_LANES, score[r], lane), __shfl_sync(ALL_LANES, weight[r], lane));
            }
        }
    }

    /** Keeps the smallest set, by descending score and ascending token, whose weights reach the target; at least one. */
    __device__ __forceinline__ void keep_nucleus(const float (&score)[2], double target) {
        double above[2] = {};
        bool first[2] = {true, true};
        for_each_alive([&](int their_token, float their_score, double their_weight) {
#pragma unroll
            for (int r = 0; r < 2; r++) {
                if (their_score > score[r] || (their_score == score[r] && their_token < token[r])) {
                    above[r] += their_weight;
                    first[r] = false;
                }
            }
        }, score);
#pragma unroll
        for (int r = 0; r < 2; r++) {
            alive[r] = alive[r] && (first[r] || above[r] < target);
        }
    }
};
