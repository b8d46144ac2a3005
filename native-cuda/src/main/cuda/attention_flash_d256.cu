#include "attention_flash.cuh"

// Heads of 256: each of two warpgroups has 64 rows of its own. The scores of the next keys are computed beside the products with the values before.

constexpr int ROWS = 128;
constexpr int KEYS = 64;
constexpr int STAGES = 4;
constexpr int TILE_BYTES = KEYS * 256 * 2;
constexpr int QUERY_BYTES = ROWS * 256 * 2;

#if WGMMA
__device__ __forceinline__ void attention_flash(const FlashArguments& a) {
    extern __shared__ unsigned char shared[];
    __shared__ uint64_t full[STAGES], empty[STAGES];
    unsigned char* queries = shared + (1024 - (sharedAddress(shared) & 1023)) % 1024;
    unsigned char* ring = queries + QUERY_BYTES;
    FlashBlock block(a, ROWS);
    int tiles = (block.last - block.from) / KEYS + 1;
    if (threadIdx.x == 0) {
        for (int i = 0; i < STAGES; i++) {
            init_barrier(full + i, 128);
            init_barrier(empty + i, 8);
        }
        publishBarriers();
    }
    load_queries<256, ROWS>(a, block, queries);
    __syncthreads();

    int warpgroup = threadIdx.x / 128, thread = threadIdx.x % 128;
    RingPlace<STAGES> place;
    if (warpgroup == 0) {
        shrink_registers<56>();
        KvCacheRef cache = *a.cache;
        int64_t head = static_cast<int64_t>(block.kv_head) * cache.slots * 256;
        const uint16_t* keys = static_cast<const uint16_t*>(cache.keys) + head;
        const uint16_t* values = static_cast<const uint16_t*>(cache.values) + head;
        // In the order of use: keys 0, keys 1, values 0, keys 2, values 1, ...
        for (int i = 0; i < 2 * tiles; i++) {
            bool of_keys = i == 0 || i % 2 == 1 && i < 2 * tiles - 1;
            int tile = i == 0 ? 0 : of_keys ? (i + 1) / 2 : i % 2 == 0 ? i / 2 - 1 : tiles - 1;
            waitForCopy(empty + place.stage, place.phase ^ 1);
            copy_tile<256, KEYS, 4, 128>(ring + place.stage * TILE_BYTES, of_keys ? keys : values, cache.slots, block.from + tile * KEYS, block.last, 0, thread);
            arrive_after_copies(full + place.stage);
            place.next();
        }
    } else {
        grow_registers<224>();
        int row = (warpgroup - 1) * 64 + thread / 32 * 16 + thread % 32 / 4;
        int position[2] = {block.position(a, row), block.position(a, row + 8)};
        RunningSoftmax softmax;
        float s[32], o[128];
        uint32_t p[4][4];
        float factor[2], largest[2];
        uint64_t q = k_major_operand(queries + (warpgroup - 1) * 64 * 128);

        auto scores = [&] {
            wait_for_tile(full + place.stage, place.phase);
            uint64_t k = k_major_operand(ring + place.stage * TILE_BYTES);
            pin_sums(s);
            begin_wgmma();
#pragma unroll
            for (int i = 0; i < 16; i++) {
                multiply_k_major(s, q + i / 4 * (ROWS * 128 >> 4) + i % 4 * 2, k + i / 4 * (KEYS * 128 >> 4) + i % 4 * 2, i > 0);
            }
            commit_wgmma();
        };
        auto products = [&] {
            wait_for_tile(full + place.stage, place.phase);
            unsigned char* v = ring + place.stage * TILE_BYTES;
            pin_sums(o);
            begin_wgmma();
#pragma unroll
            for (int i = 0; i < 4; i++) {
                multiply_n_major(o, p[i], n_major_operand(v + i * 16 * 128, KEYS * 128));
            }
            commit_wgmma();
        };
        auto release = [&](int stage) {
            if (thread % 32 == 0) {
                arrive(empty + stage);
            }
        };
        auto pack = [&] {
#pragma unroll
            for (int i = 0; i < 4; i++) {
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    p[i][j] = floats_to_half2(s[8 * i + 2 * j], s[8 * i + 2 * j + 1]);
                }
            }
        };

#pragma unroll
        for (int i = 0; i < 128; i++) {
            o[i] = 0;
        }
        scores();
        wait_wgmma<0>();
        pin_sums(s);
        release(place.stage);
        place.next();
        mask_and_scale(s, block.from, position, a.window, largest);
        raise_maxima(softmax, largest, factor);
        exponentiate(softmax, s);
        pack();
        for (int tile = 1; tile < tiles; tile++) {
            scores();
            int keys_stage = place.stage;
            place.next();
            products();
            int values_stage = place.stage;
            place.next();
            wait_wgmma<1>();
            pin_sums(s);
            release(keys_stage);
            mask_and_scale(s, block.from + tile * KEYS, position, a.window, largest);
            raise_maxima(softmax, largest, factor);
            exponentiate(softmax, s);
            wait_wgmma<0>();
            pin_sums(o);
            release(values_stage);
            pack();
            scale_sums(o, factor);
        }
        products();
        wait_wgmma<0>();
        pin_sums(o);
        float sum[2] = {sum_of_quad(softmax.sum[0]), sum_of_quad(softmax.sum[1])};
        store_attended<256>(a, block, row, 0, o, sum);
    }
}
#endif

/** Grid (ceil(rows / (128 / group)), kv_heads), 384 threads, dynamic shared memory 197632 bytes. */
extern "C" __global__ void __launch_bounds__(FLASH_THREADS, 1) attention_flash_d256(const uint16_t* queries, int rows, int heads, int kv_heads,
        int first_position, const KvCacheRef* cache, int window, uint16_t* out, int groups) {
    static_assert(QUERY_BYTES + STAGES * TILE_BYTES + 1024 == 197632, "the host launches with it");
#if WGMMA
    attention_flash({queries, rows, heads, kv_heads, first_position, cache, window, out, groups});
#endif
}
