#include "block_reduce.cuh"
#include "sampling.cuh"

// The sampler for any options, one block for each row. Candidates are ranked values in ascending order of their tokens, so that a candidate's
// logit, its token and its place in the order (logit, token) are one number; stages drop some and keep the order.

constexpr int THREADS = 1024;
constexpr int WARPS = THREADS / 32;

/** The number of threads below this one that want something, and in `total` of all that do. */
__device__ __forceinline__ int places_before(bool wanted, int& total) {
    __shared__ int of_warp[WARPS];
    uint32_t lanes = __ballot_sync(0xFFFFFFFFu, wanted);
    __syncthreads(); // of_warp may still be read by an earlier call
    if (threadIdx.x % 32 == 0) {
        of_warp[threadIdx.x / 32] = __popc(lanes);
    }
    __syncthreads();
    int before = __popc(lanes & ((1u << threadIdx.x % 32) - 1));
    total = 0;
    for (int warp = 0; warp < WARPS; warp++) {
        before += warp < threadIdx.x / 32 ? of_warp[warp] : 0;
        total += of_warp[warp];
    }
    return before;
}

struct Candidates {
    uint64_t* ranks;
    double* weights;
    int count;
    int vocabulary;
    bool infinite; // all that are left have an infinite logit, and count as equals

    /** Makes those of value(0) .. value(from - 1) that are wanted the candidates; value may read ranks. */
    template <class VALUE, class WANTED>
    __device__ __forceinline__ void collect(int from, VALUE value, WANTED wanted) {
        int kept = 0;
        for (int first = 0; first < from; first += THREADS) {
            int i = first + threadIdx.x;
            uint64_t rank = i < from ? value(i) : 0;
            int total;
            int place = kept + places_before(i < from && wanted(rank), total);
            // places_before has a barrier after the reads above and before these writes, which stay within the stretches read so far.
            if (i < from && wanted(rank)) {
                ranks[place] = rank;
            }
            kept += total;
        }
        __syncthreads();
        count = kept;
    }

    template <class WANTED>
    __device__ __forceinline__ void keep(WANTED wanted) {
        collect(count, [&](int i) { return ranks[i]; }, wanted);
    }

    __device__ __forceinline__ float logit(int i) const {
        return infinite ? 0 : key_logit(ranked_key(ranks[i]));
    }

    __device__ __forceinline__ float max_logit() const {
        float highest = -CUDART_INF_F;
        for (int i = threadIdx.x; i < count; i += THREADS) {
            highest = max(highest, logit(i));
        }
        return block_max(highest);
    }

    /** weight = exp((logit - max) / temperature); returns the sum. */
    __device__ __forceinline__ double weigh(double temperature) {
        double max = max_logit();
        double total = 0;
        for (int i = threadIdx.x; i < count; i += THREADS) {
            weights[i] = exp((logit(i) - max) / temperature);
            total += weights[i];
        }
        return block_sum(total);
    }

    /**
     * The highest rank at which the measures of the candidates of this rank and above sum to the target, or else the lowest: two bits of the rank
     * with each pass over the candidates.
     */
    template <class NUMBER, class MEASURE, class RANK>
    __device__ __forceinline__ uint64_t boundary(NUMBER target, MEASURE measure, RANK rank) {
        uint64_t found = 0;
        int token_bits = 32 - __clz(vocabulary);
        token_bits += token_bits % 2;
        for (int bit = 62; bit >= 0; bit -= 2) {
            if (bit < 32 && bit >= token_bits) {
                found |= 3ull << bit; // a token is stored as its complement, so its leading bits are ones
                continue;
            }
            NUMBER sums[3] = {};
            for (int i = threadIdx.x; i < count; i += THREADS) {
                uint64_t theirs = rank(i);
                NUMBER amount = measure(i);
#pragma unroll
                for (int digit = 1; digit <= 3; digit++) {
                    sums[digit - 1] += theirs >= (found | static_cast<uint64_t>(digit) << bit) ? amount : NUMBER(0);
                }
            }
            uint64_t best = 0;
#pragma unroll
            for (int digit = 1; digit <= 3; digit++) {
                NUMBER sum = block_sum(sums[digit - 1]);
                best = sum >= target && sum > 0 ? digit : best;
            }
            found |= best << bit;
        }
        return found;
    }

    __device__ __forceinline__ void top_k(int k) {
        uint64_t lowest = boundary<int>(k, [](int) { return 1; }, [&](int i) { return ranks[i]; });
        keep([=](uint64_t rank) { return rank >= lowest; });
    }

    __device__ __forceinline__ void top_p(float fraction) {
        double total = weigh(1);
        uint64_t lowest = boundary<double>(fraction * total, [&](int i) { return weights[i]; }, [&](int i) { return ranks[i]; });
        keep([=](uint64_t rank) { return rank >= lowest; });
    }

    __device__ __forceinline__ void typical_p(float fraction) {
        double total = weigh(1);
        double max = max_logit();
        double sum = 0;
        for (int i = threadIdx.x; i < count; i += THREADS) {
            sum += weights[i] * (logit(i) - max);
        }
        double mean = block_sum(sum) / total;
        bool equals = infinite;
        auto score_rank = [=](uint64_t r) {
            float l = equals ? 0 : key_logit(ranked_key(r));
            return ranked(logit_key(static_cast<float>(-fabs(mean - (l - max)))), ranked_token(r));
        };
        uint64_t lowest = boundary<double>(fraction * total, [&](int i) { return weights[i]; }, [&](int i) { return score_rank(ranks[i]); });
        keep([=](uint64_t r) { return score_rank(r) >= lowest; });
    }

    __device__ __forceinline__ void min_p(float fraction) {
        double threshold = max_logit() + log(static_cast<double>(fraction));
        bool equals = infinite;
        keep([=](uint64_t r) { return (equals ? 0 : key_logit(ranked_key(r))) >= threshold; });
    }

    /** The lowest token at which the running sum of the weights exceeds the target; without one the last that has weight. In thread 0. */
    __device__ __forceinline__ int draw(double target) {
        __shared__ double sums[THREADS];
        int stretch = (count + THREADS - 1) / THREADS;
        int first = min(threadIdx.x * stretch, count), end = min(first + stretch, count);
        double sum = 0;
        for (int i = first; i < end; i++) {
            sum += weights[i];
        }
        sums[threadIdx.x] = sum;
        __syncthreads();
        int drawn = -1;
        if (threadIdx.x == 0) {
            int chosen = 0;
            double before = 0, reached = 0;
            for (int t = 0; t < THREADS && reached <= target; t++) {
                if (sums[t] > 0) {
                    chosen = t;
                    before = reached;
                    reached += sums[t];
                }
            }
            for (int i = chosen * stretch; i < min((chosen + 1) * stretch, count) && before <= target; i++) {
                if (weights[i] > 0) {
                    before += weights[i];
                    drawn = ranked_token(ranks[i]);
                }
            }
        }
        return drawn;
    }
};

/**
 * Draws the next token of each row by all stages: top-k, typical-p, top-p, min-p, temperature (above 0). scratch [rows][2 * vocabulary]. Grid
 * (1, rows), 1024 threads.
 */
extern "C" __global__ void __launch_bounds__(THREADS, 1) sample_any(
        const float* logits, int64_t stride, int vocabulary, SEQUENCE_PARAMETERS, uint64_t* scratch) {
    int row = blockIdx.y;
    const float* x = logits + row * stride;
    bool any_nan = false, any_infinite = false, any_finite = false;
    for (int i = threadIdx.x; i < vocabulary; i += THREADS) {
        any_nan |= isnan(x[i]);
        any_infinite |= x[i] == CUDART_INF_F;
        any_finite |= isfinite(x[i]);
    }
    any_nan = __syncthreads_or(any_nan);
    any_infinite = __syncthreads_or(any_infinite);
    any_finite = __syncthreads_or(any_finite);
    int token = any_nan ? TOKEN_NOT_A_NUMBER : TOKEN_NONE_POSSIBLE;
    if (!any_nan && (any_finite || any_infinite)) {
        const SamplerOptions& o = options[row];
        uint64_t* ranks = scratch + static_cast<int64_t>(row) * 2 * vocabulary;
        Candidates c = {ranks, reinterpret_cast<double*>(ranks + vocabulary), 0, vocabulary, any_infinite};
        uint32_t lowest_key = any_infinite ? logit_key(CUDART_INF_F) : 1;
        c.collect(vocabulary, [=](int i) { return ranked(logit_key(x[i]), i); }, [=](uint64_t rank) { return ranked_key(rank) >= lowest_key; });
        if (o.top_k > 0) {
            c.top_k(o.top_k);
        }
        if (o.typical_p < 1) {
            c.typical_p(o.typical_p);
        }
        if (o.top_p < 1) {
            c.top_p(o.top_p);
        }
        if (o.min_p > 0) {
            c.min_p(o.min_p);
        }
        double total = c.weigh(o.temperature);
        token = c.draw(uniform(o.seed, states[row].accepted_tokens) * total);
    }
    if (threadIdx.x == 0) {
        emit_token(token, row, gridDim.y, vocabulary, SEQUENCES);
    }
}
