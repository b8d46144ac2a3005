#pragma once
#include "block_bytes.cuh"
#include "blocks_of_256.cuh"
#include "blocks_of_32.cuh"

// The block formats of GGUF, in the layout of the file. A format decodes "runs": 16 consecutive elements, of which run r starts at element
// 16 r of its row. Every format has one scale per run or less. load() only fetches, decode() only computes, so that callers can fetch ahead.
// Decoded floats are bit-equal to io.gemma4j.tensor: a product to which something is added is exact in a 32-bit float, so it does not matter
// whether the compiler contracts the two.

/** 16 elements as they stand in memory, from any address they can have; elements from valid on are 0. */
template <class ELEMENT>
__device__ __forceinline__ void load_elements(const uint8_t* at, int valid, uint32_t (&words)[RUN * sizeof(ELEMENT) / 4]) {
    constexpr int PER_WORD = 4 / sizeof(ELEMENT);
    if (valid >= RUN && (reinterpret_cast<uintptr_t>(at) & 15) == 0) {
#pragma unroll
        for (int i = 0; i < RUN / PER_WORD / 4; i++) {
            uint4 v = __ldg(reinterpret_cast<const uint4*>(at) + i);
            words[4 * i] = v.x, words[4 * i + 1] = v.y, words[4 * i + 2] = v.z, words[4 * i + 3] = v.w;
        }
    } else {
#pragma unroll
        for (int i = 0; i < RUN; i++) {
            uint32_t element = i < valid ? __ldg(reinterpret_cast<const ELEMENT*>(at) + i) : 0;
            words[i / PER_WORD] = (i % PER_WORD == 0 ? 0 : words[i / PER_WORD]) | element << 16 * (i % PER_WORD);
        }
    }
}

struct F32 {
    static constexpr int ELEMENTS = 1, BYTES = 4;
    using Element = uint32_t;
    struct Run {
        uint32_t words[RUN];
    };
    static __device__ __forceinline__ void decode(const Run& r, unsigned, float (&out)[RUN]) {
#pragma unroll
        for (int i = 0; i < RUN; i++) {
            out[i] = __uint_as_float(r.words[i]);
        }
    }
};

struct F16 {
    static constexpr int ELEMENTS = 1, BYTES = 2;
    using Element = uint16_t;
    struct Run {
        uint32_t words[RUN / 2];
    };
    static __device__ __forceinline__ void decode(const Run& r, unsigned, float (&out)[RUN]) {
#pragma unroll
        for (int i = 0; i < RUN; i += 2) {
            out[i] = half_to_float(r.words[i / 2] & 0xFFFF);
            out[i + 1] = half_to_float(r.words[i / 2] >> 16);
        }
    }
};

struct BF16 {
    static constexpr int ELEMENTS = 1, BYTES = 2;
    using Element = uint16_t;
    using Run = F16::Run;
    static __device__ __forceinline__ void decode(const Run& r, unsigned, float (&out)[RUN]) {
#pragma unroll
        for (int i = 0; i < RUN; i += 2) {
            out[i] = __uint_as_float(r.words[i / 2] << 16);
            out[i + 1] = __uint_as_float(r.words[i / 2] & 0xFFFF0000u);
        }
    }
};

/** Fetches run `run` of a row of `columns` elements; what lies beyond the row decodes to 0. */
template <class FORMAT>
__device__ __forceinline__ typename FORMAT::Run load_run(const uint8_t* row, unsigned run, unsigned columns) {
    typename FORMAT::Run r{};
    if (run * RUN < columns) {
        if constexpr (FORMAT::ELEMENTS == 1) {
            load_elements<typename FORMAT::Element>(row + static_cast<int64_t>(run) * RUN * FORMAT::BYTES, columns - run * RUN, r.words);
        } else {
            constexpr unsigned RUNS = FORMAT::ELEMENTS / RUN;
            r = FORMAT::load(row + static_cast<int64_t>(run / RUNS) * FORMAT::BYTES, run % RUNS);
        }
    }
    return r;
}

/** Bytes of a row of `columns` elements. */
template <class FORMAT>
__device__ __forceinline__ int64_t row_bytes(int columns) {
    return static_cast<int64_t>(columns / FORMAT::ELEMENTS) * FORMAT::BYTES;
}
