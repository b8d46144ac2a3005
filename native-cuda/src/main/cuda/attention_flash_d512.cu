#include "attention_flash.cuh"

// Heads of 512: two warpgroups share 64 rows. Of each 128 keys a warpgroup computes the scores of 64, hands its probabilities to the other through shared
// memory, and multiplies all of them with its half of the dimensions of the values. What it reads comes through a ring of its own.

constexpr int ROWS = 64;
constexpr int KEYS = 64;
constexpr int ROUND_KEYS = 2 * KEYS;
constexpr int STAGES = 4;
constexpr int TILE_BYTES = 16384; // 64 keys by 128 dimensions, or 32 values by 256
constexpr int QUERY_BYTES = ROWS * 512 * 2;
constexpr int PROBABILITY_BYTES = ROWS * ROUND_KEYS * 2;

#if WGMMA
template <bool VALUE>
struct Flag {
    static constexpr bool value = VALUE;
};

__device__ __forceinline__ void synchronize_consumers() {
    asm volatile("bar.sync 1, 256;" ::: "memory");
}

__device__ __forceinline__ void attention_flash(const FlashArguments& a) {
    extern __shared__ unsigned char shared[];
    __shared__ uint64_t full[2][STAGES], empty[2][STAGES];
    __shared__ float exchanged[2][2][ROWS]; // by parity of the round, warpgroup
    unsigned char* queries = shared + (1024 - (sharedAddress(shared) & 1023)) % 1024;
    unsigned char* probabilities = queries + QUERY_BYTES;
    unsigned char* rings = probabilities + PROBABILITY_BYTES;
    FlashBlock block(a, ROWS);
    int rounds = (block.last - block.from) / ROUND_KEYS + 1;
    if (threadIdx.x == 0) {
        for (int i = 0; i < 2 * STAGES; i++) {
            init_barrier(full[0] + i, 64);
            init_barrier(empty[0] + i, 4);
        }
        publishBarriers();
    }
    load_queries<512, ROWS>(a, block, queries);
    __syncthreads();

    int warpgroup = threadIdx.x / 128, thread = threadIdx.x % 128;
    RingPlace<STAGES> place;
    if (warpgroup == 0) {
        shrink_registers<56>();
        int half = thread / 64;
        KvCacheRef cache = *a.cache;
        int64_t head_slot = static_cast<int64_t>(block.kv_head) * cache.slots;
        bool derived = cache.keyNorm != nullptr;
        const uint16_t* keys = static_cast<const uint16_t*>(cache.keys) + head_slot * (derived ? DERIVED_ELEMENTS : 512);
        const uint16_t* values = static_cast<const uint16_t*>(cache.values) + head_slot * 512;
        auto fill = [&](auto&& copy) {
            waitForCopy(empty[half] + place.stage, place.phase ^ 1);
            copy(rings + (half * STAGES + place.stage) * TILE_BYTES);
            arrive_after_copies(full[half] + place.stage);
            place.next();
        };
        // The keys of a round, then the values of the round before.
        for (int round = 0; round <= rounds; round++) {
            int first = block.from + round * ROUND_KEYS;
            for (int tile = 0; tile < 4 && round < rounds; tile++) {
                fill([&](unsigned char* to) {
                    if (!derived || tile % 2 == 1) {
                        copy_tile<512, KEYS, 2, 64>(to, derived ? values : keys, cache.slots, first + half * KEYS, block.last, 2 * tile, thread % 64);
                    } else if (thread % 64 < 32) { // the dimensions that turn
                        copy_tile<DERIVED_ELEMENTS, KEYS, 1, 32>(to, keys, cache.slots, first + half * KEYS, block.last, tile / 2, thread % 32);
                    } else {
                        copy_tile<512, KEYS, 1, 32>(to + KEYS * 128, values, cache.slots, first + half * KEYS, block.last, 2 * tile + 1, thread % 32);
                    }
                });
            }
            for (int tile = 0; tile < 4 && round > 0; tile++) {
                fill([&](unsigned char* to) {
                    copy_tile<512, 32, 4, 64>(to, values, cache.slots, first - ROUND_KEYS + 32 * tile, block.last, 4 * half, thread % 64);
                });
            }
        }
    } else {
        grow_registers<224>();
        int half = warpgroup - 1;
        int row = thread / 32 * 16 + thread % 32 / 4;
        int position[2] = {block.position(a, row), block.position(a, row + 8)};
        RunningSoftmax softmax;
        float s[32], o[128];
        uint64_t q = k_major_operand(queries);
        unsigned char* ring = rings + half * STAGES * TILE_BYTES;

        auto release = [&](int stage) {
            if (thread % 32 == 0) {
                arrive(empty[half] + stage);
            }
        };
        auto scores = [&] {
#pragma unroll
            for (int tile = 0; tile < 4; tile++) {
                wait_for_tile(full[half] + place.stage, place.phase);
                uint64_t k = k_major_operand(ring + place.stage * TILE_BYTES);
                pin_sums(s);
                begin_wgmma();
#pragma unroll
                for (int i = 0; i < 8; i++) {
                    multiply_k_major(s, q + (2 * tile + i / 4) * (ROWS * 128 >> 4) + i % 4 * 2, k + i / 4 * (KEYS * 128 >> 4) + i % 4 * 2, tile > 0 || i > 0);
                }
                commit_wgmma();
                pin_sums(s);
                if (tile > 0) {
                    wait_wgmma<1>();
                    release((place.stage + STAGES - 1) % STAGES);
                }
                place.next();
            }
            wait_wgmma<0>();
            pin_sums(s);
            release((place.stage + STAGES - 1) % STAGES);
        };
        auto products = [&] {
            pin_sums(o);
#pragma unroll
            for (int tile = 0; tile < 4; tile++) {
                wait_for_tile(full[half] + place.stage, place.phase);
                begin_wgmma();
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    multiply_n_major(o, k_major_operand(probabilities + tile / 2 * (ROWS * 128)) + tile % 2 * 4 + 2 * i,
                            n_major_operand(ring + place.stage * TILE_BYTES + i * 16 * 128, 32 * 128));
                }
                commit_wgmma();
                place.next();
            }
        };

#pragma unroll
        for (int i = 0; i < 128; i++) {
            o[i] = 0;
        }
        // The first round has no values of a round before.
        auto next_round = [&](int round, auto first) {
            constexpr bool FIRST = decltype(first)::value;
            scores();
            int values_stage = place.stage;
            if constexpr (!FIRST) {
                products();
            }
            float largest[2], factor[2];
            mask_and_scale(s, block.from + round * ROUND_KEYS + half * KEYS, position, a.window, largest);
            float(&of_round)[2][ROWS] = exchanged[round % 2];
            if (thread % 4 == 0) {
                of_round[half][row] = largest[0];
                of_round[half][row + 8] = largest[1];
            }
            synchronize_consumers();
            largest[0] = fmaxf(of_round[0][row], of_round[1][row]);
            largest[1] = fmaxf(of_round[0][row + 8], of_round[1][row + 8]);
            raise_maxima(softmax, largest, factor);
            if constexpr (!FIRST) {
                wait_wgmma<2>();
                release(values_stage);
                release((values_stage + 1) % STAGES);
            }
            exponentiate(softmax, s);
            if constexpr (!FIRST) {
                wait_wgmma<0>();
                pin_sums(o);
                release((values_stage + 2) % STAGES);
                release((values_stage + 3) % STAGES);
                // The other warpgroup, too, has read the probabilities before.
                synchronize_consumers();
            }
            unsigned char* to = probabilities + half * (ROWS * 128) + thread % 4 * 4;
#pragma unroll
            for (int i = 0; i < 8; i++) {
                *reinterpret_cast<uint32_t*>(to + row * 128 + (i ^ row % 8) * 16) = floats_to_half2(s[4 * i], s[4 * i + 1]);
                *reinterpret_cast<uint32_t*>(to + (row + 8) * 128 + (i ^ row % 8) * 16) = floats_to_half2(s[4 * i + 2], s[4 * i + 3]);
            }
            asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
            synchronize_consumers();
            if constexpr (!FIRST) {
                scale_sums(o, factor);
            }
        };
        next_round(0, Flag<true>());
        for (int round = 1; round < rounds; round++) {
            next_round(round, Flag<false>());
        }
        products();
        wait_wgmma<0>();
        pin_sums(o);
        float(&sums)[2][ROWS] = exchanged[rounds % 2];
        float mine[2] = {sum_of_quad(softmax.sum[0]), sum_of_quad(softmax.sum[1])};
        if (thread % 4 == 0) {
            sums[half][row] = mine[0];
            sums[half][row + 8] = mine[1];
        }
        synchronize_consumers();
        float sum[2] = {sums[0][row] + sums[1][row], sums[0][row + 8] + sums[1][row + 8]};
        store_attended<512>(a, block, row, 256 * half, o, sum);
    }
}
#endif

/** Grid (ceil(rows / (64 / group)), kv_heads), 384 threads, dynamic shared memory 214016 bytes. */
extern "C" __global__ void __launch_bounds__(FLASH_THREADS, 1) attention_flash_d512(const uint16_t* queries, int rows, int heads, int kv_heads,
        int first_position, const KvCacheRef* cache, int window, uint16_t* out, int groups) {
    static_assert(QUERY_BYTES + PROBABILITY_BYTES + 2 * STAGES * TILE_BYTES + 1024 == 214016, "the host launches with it");
#if WGMMA
    attention_flash({queries, rows, heads, kv_heads, first_position, cache, window, out, groups});
#endif
}
