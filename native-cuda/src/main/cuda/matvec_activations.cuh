// The input vector in shared memory, ordered so that eight lanes with neighbouring chunks read without bank conflicts.
#pragma once

#include "tile_formats_256.cuh"
#include "tile_formats_32.cuh"
#include "tile_formats_float.cuh"
#include "matvec_arguments.cuh"

// Writes where the block itself has the vector.
struct OwnShared {
    template <class T>
    __device__ __forceinline__ void write(T* at, const T& value) const {
        *at = value;
    }
};

// Of a vector.
struct HalfChunk {
    uint4 q;
    float2 d;
    float2 s;
    static_assert(GROUPS_PER_HALF_CHUNK == 2, "each has its scales");
};

// Per tile: 16 half-chunks of q (16 bytes each), then for all tiles the scales of each half-chunk.
template <class F, bool QUANTIZED = F::QUANTIZED>
struct SharedActivations {
    uint8_t* start;
    int tiles;

    __device__ __forceinline__ int bytes() const { return tiles * 256 * (ACTIVATION_GROUP + 8) / ACTIVATION_GROUP; }

    // What store() writes in all for so many elements.
    static __device__ __forceinline__ int storedBytes(int columns) { return columns + columns / ACTIVATION_GROUP * int(sizeof(GroupScale)); }

    __device__ __forceinline__ GroupScale* scales() const { return reinterpret_cast<GroupScale*>(start + tiles * 256); }

    // Four consecutive elements per thread, from `column` of the tiles on; threads whose column is not inside only take part.
    template <class To>
    __device__ __forceinline__ void store(int column, bool inside, const float (&x)[4], const To& to) const {
        int q[4];
        GroupScale scale = quantizeGroup(x, q);
        if (!inside) return;
        int half = column / 256 * 16 + F::slot(column / 16 % 16);
        to.write(reinterpret_cast<unsigned*>(start + half * 16 + column % 16), packBytes(q));
        if (column % ACTIVATION_GROUP == 0) to.write(scales() + half * GROUPS_PER_HALF_CHUNK + column % 16 / ACTIVATION_GROUP, scale);
    }

    // The vectors of all slots, each padded to whole tiles.
    __device__ __forceinline__ void copy(const Vector& v, int slots, int columns) const {
        if (slots * columns <= 16 * BLOCK_THREADS) {
            copyAtOnce<1>(v, slots, columns);
        } else {
            copyAtOnce<3>(v, slots, columns);
        }
    }

    // Each thread reads so many half-chunks at once.
    template <int COUNT>
    __device__ __forceinline__ void copyAtOnce(const Vector& v, int slots, int columns) const {
        const int halves = columns / 16;
        const int end = slots * halves;
        const int tilesPerSlot = tiles / slots;
#pragma unroll 1
        for (int first = threadIdx.x; first < end; first += COUNT * BLOCK_THREADS) {
            HalfChunk read[COUNT];
#pragma unroll
            for (int n = 0; n < COUNT; n++) {
                int i = first + n * BLOCK_THREADS;
                if (i < end) read[n] = {reinterpret_cast<const uint4*>(v.q)[i], reinterpret_cast<const float2*>(v.d)[i], reinterpret_cast<const float2*>(v.s)[i]};
            }
#pragma unroll
            for (int n = 0; n < COUNT; n++) {
                int i = first + n * BLOCK_THREADS;
                if (i >= end) break;
                int slot = slots == 1 ? 0 : i / halves;
                int g = i - slot * halves;
                int half = (slot * tilesPerSlot + g / 16) * 16 + F::slot(g % 16);
                float weight = v.slotWeights == nullptr ? 1 : v.slotWeights[slot];
                *reinterpret_cast<uint4*>(start + half * 16) = read[n].q;
                scales()[half * GROUPS_PER_HALF_CHUNK] = {read[n].d.x * weight, read[n].s.x * weight};
                scales()[half * GROUPS_PER_HALF_CHUNK + 1] = {read[n].d.y * weight, read[n].s.y * weight};
            }
        }
    }

    __device__ __forceinline__ void accumulate(const typename F::Fragment& f, int tile, int chunk, float (&sums)[2]) const {
        ChunkActivations a;
        const int4* q = reinterpret_cast<const int4*>(start) + tile * 16 + chunk;
        *reinterpret_cast<int4*>(a.low) = q[0];
        *reinterpret_cast<int4*>(a.high) = q[8];
        const GroupScale* scale = scales() + (tile * 16 + chunk) * GROUPS_PER_HALF_CHUNK;
#pragma unroll
        for (int g = 0; g < GROUPS_PER_HALF_CHUNK; g++) {
            a.lowScale[g] = scale[g];
            a.highScale[g] = scale[8 * GROUPS_PER_HALF_CHUNK + g];
        }
        F::accumulate(f, chunk, a, sums);
    }
};

// f32 elements in quads; of a chunk with two quads the second stands eight quads after the first.
template <class F>
struct SharedActivations<F, false> {
    uint8_t* start;
    int tiles;

    __device__ __forceinline__ int bytes() const { return tiles * F::TILE_COLUMNS * 4; }
    static __device__ __forceinline__ int storedBytes(int columns) { return columns * 4; }

    __device__ __forceinline__ float4& quad(int column) const {
        int within = column % F::TILE_COLUMNS / 4;
        int place = within % F::QUADS_PER_CHUNK * 8 + within / F::QUADS_PER_CHUNK;
        return reinterpret_cast<float4*>(start)[column / F::TILE_COLUMNS * (F::TILE_COLUMNS / 4) + place];
    }

    template <class To>
    __device__ __forceinline__ void store(int column, bool inside, const float (&x)[4], const To& to) const {
        if (inside) to.write(&quad(column), float4{x[0], x[1], x[2], x[3]});
    }

    __device__ __forceinline__ void copy(const Vector& v, int slots, int columns) const {
        int quads = columns / 4;
        int columnsPerSlot = tiles / slots * F::TILE_COLUMNS;
#pragma unroll 1
        for (int i = threadIdx.x; i < slots * quads; i += BLOCK_THREADS) {
            int slot = slots == 1 ? 0 : i / quads;
            float weight = v.slotWeights == nullptr ? 1 : v.slotWeights[slot];
            float4 x = reinterpret_cast<const float4*>(v.x)[i];
            quad(slot * columnsPerSlot + (i - slot * quads) * 4) = {x.x * weight, x.y * weight, x.z * weight, x.w * weight};
        }
    }

    __device__ __forceinline__ void accumulate(const typename F::Fragment& f, int tile, int chunk, float (&sums)[2]) const {
        const float4* quads = reinterpret_cast<const float4*>(start) + tile * (F::TILE_COLUMNS / 4) + chunk;
        float4 a[F::QUADS_PER_CHUNK];
#pragma unroll
        for (int i = 0; i < F::QUADS_PER_CHUNK; i++) a[i] = quads[i * 8];
        F::accumulate(f, a, sums);
    }
};
