#pragma once
#include "block_formats.h"

/** out_stride in floats; columns in multiples of 16. */
struct EmbedArguments {
    uint table_columns;
    uint first_column;
    uint width;
    uint out_stride;
    float scale;
};
static_assert(sizeof(EmbedArguments) == 20, "as in MetalElementwise");

/** out[r][c] = scale * table[tokens[r]][first_column + c]; a thread makes 16 columns. Grid of threads (at least width / 16, rows). */
template <typename BLOCK> static inline void embed(device const BLOCK * table, device const int * tokens, device float * out,
        constant EmbedArguments & args, uint2 position) {
    if (16 * position.x >= args.width) {
        return;
    }
    float4 weights[4];
    device const BLOCK * row = table + ulong(tokens[position.y]) * (args.table_columns / block_format<BLOCK>::WEIGHTS);
    weights_16(row, args.first_column / 16 + position.x, weights);
    device float * to = out + ulong(position.y) * args.out_stride + 16 * position.x;
    for (uint i = 0; i < 4; i++) {
        *(device float4 *)(to + 4 * i) = args.scale * weights[i];
    }
}

#define EMBED_KERNEL(TYPE) \
    kernel void embed_##TYPE(device const block_##TYPE * table [[buffer(0)]], device const int * tokens [[buffer(1)]], \
            device float * out [[buffer(2)]], constant EmbedArguments & args [[buffer(3)]], uint2 position [[thread_position_in_grid]]) { \
        embed(table, tokens, out, args, position); \
    }
