// Heads as compressed caches hold them: the rotation before, codes and scales. The same bytes as HeadRotation, HeadQ8_0 and HeadTQ4 on the host: divisions
// are exact, and no product is added to anything.
#pragma once
#include "attention_codes.cuh"
#include "head_lane.cuh"

/** Whether the rotation changes the sign of element i of a head: the top bit of a hash. */
__device__ __forceinline__ uint32_t sign_of_element(int i) {
    uint32_t hash = i * 0x9E3779B1u;
    hash ^= hash >> 15;
    return hash * 0x85EBCA77u & 0x80000000u;
}

template <int D>
__device__ __forceinline__ void change_signs(HeadLane<D>& lane) {
#pragma unroll
    for (int i = 0; i < 8 * HeadLane<D>::GROUPS; i++) {
        float& x = (&lane.x[0][0])[i];
        int half = i / (4 * HeadLane<D>::GROUPS), within = i % (4 * HeadLane<D>::GROUPS);
        x = __uint_as_float(__float_as_uint(x) ^ sign_of_element(HeadLane<D>::element(half, within / 4) + within % 4));
    }
}

/** The Walsh-Hadamard transform divided by sqrt(D), from neighbours to the widest stride. */
template <int D>
__device__ __forceinline__ void hadamard(HeadLane<D>& lane) {
    constexpr int COUNT = 8 * HeadLane<D>::GROUPS;
    float* x = &lane.x[0][0];
    auto within_lane = [&](int step) {
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            if ((i & step) == 0) {
                float a = x[i], b = x[i + step];
                x[i] = a + b;
                x[i + step] = a - b;
            }
        }
    };
    within_lane(1);
    within_lane(2);
#pragma unroll
    for (int lanes = 1; lanes < 32; lanes *= 2) {
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            float other = __shfl_xor_sync(0xFFFFFFFFu, x[i], lanes);
            x[i] = (threadIdx.x & lanes) == 0 ? x[i] + other : other - x[i];
        }
    }
    // What is left is between runs of 128 elements.
#pragma unroll
    for (int step = 4; step < COUNT; step *= 2) {
        within_lane(step);
    }
    constexpr float FACTOR = D == 512 ? 0.044194173824159216f : 0.0625f;
#pragma unroll
    for (int i = 0; i < COUNT; i++) {
        x[i] *= FACTOR;
    }
}

template <int D>
__device__ __forceinline__ void rotate_head(HeadLane<D>& lane) {
    change_signs(lane);
    hadamard(lane);
}

/** Takes back rotate_head. */
template <int D>
__device__ __forceinline__ void restore_head(HeadLane<D>& lane) {
    hadamard(lane);
    change_signs(lane);
}

/** The largest magnitude of the 32 elements that share a scale with these four. */
__device__ __forceinline__ float largest_of_32(const float* x) {
    float largest = fmaxf(fmaxf(fabsf(x[0]), fabsf(x[1])), fmaxf(fabsf(x[2]), fabsf(x[3])));
#pragma unroll
    for (int lanes = 1; lanes < 8; lanes *= 2) {
        largest = fmaxf(largest, __shfl_xor_sync(0xFFFFFFFFu, largest, lanes));
    }
    return largest;
}

/** Stores the scale of 32 elements, of which `element` is one; returns it as it will be read. */
template <class CODES, int D>
__device__ __forceinline__ float store_scale(unsigned char* row, int element, float scale) {
    uint32_t bits = floats_to_half2(scale, 0) & 0xFFFF;
    if (threadIdx.x % 8 == 0) {
        *reinterpret_cast<uint16_t*>(row + CODES::CODE_BYTES + element / 32 * 2) = static_cast<uint16_t>(bits);
    }
    return half_to_float(bits);
}

/** Stores four elements of a head, of which lanes 8k .. 8k + 7 have the neighbours, in its row. All lanes of a warp. */
template <int D>
__device__ __forceinline__ void store_codes(CodesQ8_0<D>, unsigned char* row, int element, const float* x) {
    float scale = store_scale<CodesQ8_0<D>, D>(row, element, largest_of_32(x) / 127);
    uint32_t codes = 0;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int code = scale == 0 ? 0 : __float2int_rn(x[i] / scale);
        codes |= (min(max(code, -127), 127) & 0xFF) << 8 * i;
    }
    *reinterpret_cast<uint32_t*>(row + element) = codes;
}

template <int D>
__device__ __forceinline__ void store_codes(CodesTQ4<D>, unsigned char* row, int element, const float* x) {
    // Means of neighbouring levels; the lower half mirrors them.
    constexpr float MEANS[8] = {0, 12.5f, 25.5f, 39.5f, 54.5f, 70.5f, 89.5f, 113.5f};
    float scale = store_scale<CodesTQ4<D>, D>(row, element, largest_of_32(x) / 131);
    uint32_t codes = 0;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int code = x[i] > scale * MEANS[0];
#pragma unroll
        for (int mean = 1; mean < 8; mean++) {
            code += (x[i] > scale * MEANS[mean]) + (x[i] > scale * -MEANS[mean]);
        }
        codes |= code << 8 * i;
    }
    // The upper 16 of 32 elements are the upper halves of the bytes.
    uint32_t upper = __shfl_xor_sync(0xFFFFFFFFu, codes, 4);
    if (threadIdx.x % 8 < 4) {
        *reinterpret_cast<uint32_t*>(row + element / 32 * 16 + element % 32) = codes | upper << 4;
    }
}

/** Keys or values of one head at one position of a compressed cache: rotated where the type is, then to both stores. */
template <template <int> class CODES_OF, int D>
__device__ __forceinline__ void store_compressed(HeadLane<D>& lane, const KvCacheRef& cache, bool of_keys, int kv_head, int position) {
    using Codes = CODES_OF<D>;
    constexpr int ROW_BYTES = Codes::CODE_BYTES + D / 16;
    if constexpr (Codes::ROTATED) {
        rotate_head(lane);
        uint16_t* tail = static_cast<uint16_t*>(of_keys ? cache.tailKeys : cache.tailValues);
        lane.store(tail + (static_cast<int64_t>(kv_head) * cache.tailSlots + position % cache.tailSlots) * D);
    }
    unsigned char* rows = static_cast<unsigned char*>(of_keys ? cache.keys : cache.values);
    unsigned char* row = rows + (static_cast<int64_t>(kv_head) * cache.slots + position % cache.slots) * ROW_BYTES;
#pragma unroll
    for (int i = 0; i < 2 * HeadLane<D>::GROUPS; i++) {
        int half = i / HeadLane<D>::GROUPS, group = i % HeadLane<D>::GROUPS;
        store_codes(Codes(), row, HeadLane<D>::element(half, group), &lane.x[half][group * 4]);
    }
}

/** Reads four elements of a row, each lane its own; still rotated. */
template <int D>
__device__ __forceinline__ float4 load_codes(CodesQ8_0<D>, const unsigned char* row, int element) {
    float scale = half_to_float(*reinterpret_cast<const uint16_t*>(row + D + element / 32 * 2));
    uint32_t codes = *reinterpret_cast<const uint32_t*>(row + element);
    auto code = [&](int i) { return scale * static_cast<float>(static_cast<int8_t>(codes >> 8 * i)); };
    return make_float4(code(0), code(1), code(2), code(3));
}

template <int D>
__device__ __forceinline__ float4 load_codes(CodesTQ4<D>, const unsigned char* row, int element) {
    float scale = half_to_float(*reinterpret_cast<const uint16_t*>(row + D / 2 + element / 32 * 2));
    uint2 levels = biasedLevels(*reinterpret_cast<const uint32_t*>(row + element / 32 * 16 + element % 16));
    // Of elements j, j + 16, j + 1, j + 17 and so on.
    int shift = element % 32 < 16 ? 0 : 8;
    auto level = [&](uint32_t of, int at) { return scale * (static_cast<float>(of >> (shift + at) & 0xFF) - LEVEL_BIAS); };
    return make_float4(level(levels.x, 0), level(levels.x, 16), level(levels.y, 0), level(levels.y, 16));
}
