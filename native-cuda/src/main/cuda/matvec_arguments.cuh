// The arguments of the mat-vec kernels, in the groups that README.md names. Pointers to what other kernels write carry no __restrict__: the compiler would then
// be free to read it before the wait.
#pragma once

#include <cstdint>

constexpr int BLOCK_THREADS = 512;
constexpr int BLOCK_WARPS = BLOCK_THREADS / 32;
constexpr int MAX_RING_STAGES = 8;

// A matrix and how its tiles are dealt out to the blocks.
struct Weights {
    const uint8_t* tiles;
    int rows;
    int columns;
    int tilesPerUnit;
    int unitsPerBlock;
    int extraUnits;
    int ringStages;
};

// Matrix i of the chosen experts starts at tiles + ids[i] * bytes.
struct Experts {
    const int* ids;
    int slots;
    int64_t bytes;
};

// An input vector that an earlier kernel has prepared, quantized or not. slotWeights scales the parts of [slots][columns], unless it is null.
struct Vector {
    const float* x;
    const int8_t* q;
    const float* d;
    const float* s;
    const float* slotWeights;
};

// An input vector made of the residual stream and what the previous block adds to it.
struct Residual {
    const float* hidden;
    float* hiddenOut;
    const float* branch0;
    const float* branch1;
    const float* branchNorm;
    const float* other0;
    const float* other1;
    const float* otherNorm;
    const float* postNorm;
    float hiddenScale;
    const float* norm;
    float epsilon;
};

struct Planes {
    float* plane0;
    float* plane1;
};

// An output that the next mat-vec reads, quantized and (y not null) in f32.
struct QuantizedOutput {
    float* y;
    int8_t* q;
    float* d;
    float* s;
};

struct Logits {
    float* logits;
    float softcap;
    float* blockMaximum;
    int* blockArgmax;
};
