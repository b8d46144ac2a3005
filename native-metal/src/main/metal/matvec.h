#pragma once
#include "activation.h"
#include "block_formats.h"

// out[r][n] = sum_k in[r][k] * weight[n][k] for few rows r. A simdgroup takes ROWS rows of the matrix; in a sweep each lane takes 32 weights of each,
// so that a sweep is 1024 columns. SPLIT simdgroups share the sweeps of the same rows. Columns are a multiple of 32.

/** Rows of the matrix per simdgroup, 1 to 8; with GEGLU half of them gate rows, half up rows. */
constant uint ROWS [[function_constant(0)]];
/** Simdgroups that share a row's sweeps: 1, 2 or 4. */
constant uint SPLIT [[function_constant(1)]];
/** Rows of activations multiplied at once, 1 to 4. */
constant uint TOKENS [[function_constant(2)]];
/** What becomes of the products, one of the following. */
constant uint EPILOGUE [[function_constant(3)]];

constant constexpr uint EPILOGUE_NONE = 0;
/** gelu(first matrix) * second matrix. */
constant constexpr uint EPILOGUE_GEGLU = 1;
/** gelu(product) * factors. */
constant constexpr uint EPILOGUE_GELU_FACTORS = 2;
/** cap * tanh(product / cap). */
constant constexpr uint EPILOGUE_SOFTCAP = 3;

constant constexpr uint MAX_ROWS = 8;
constant constexpr uint MAX_TOKENS = 4;
/** Simdgroups of a threadgroup. */
constant constexpr uint SIMDGROUPS = 4;

/** Strides in floats. */
struct MatvecArguments {
    uint outputs;
    uint columns;
    uint tokens;
    uint in_stride;
    uint out_stride;
    uint factors_stride;
    float softcap;
};
static_assert(sizeof(MatvecArguments) == 28, "as in MetalMatvec");

/** Where the activations of run r of a lane's weights start; a run is 4 weights. */
template <typename BLOCK> static inline uint run_column(device const BLOCK *, uint sweep, ushort lane, ushort r) {
    const ushort distance = block_format<BLOCK>::PIECE_DISTANCE;
    const ushort lanes = block_format<BLOCK>::WEIGHTS / 32;
    const ushort p = lane % lanes;
    const ushort first = 2 * distance * (p / distance) + p % distance;
    return 1024 * sweep + block_format<BLOCK>::WEIGHTS * (lane / lanes) + 16 * (first + r / 4 * distance) + 4 * (r % 4);
}

/** A lane's 32 weights of a sweep: eight runs of values, with scale and minimum for each two. Lanes beyond the row read its first block. */
template <typename BLOCK> static inline void lane_weights(device const BLOCK * row, uint blocks, uint sweep, ushort lane, thread half4 * weights,
        thread float * scale, thread float * minimum) {
    const ushort distance = block_format<BLOCK>::PIECE_DISTANCE;
    const ushort lanes = block_format<BLOCK>::WEIGHTS / 32;
    const uint index = 32 / lanes * sweep + lane / lanes;
    device const BLOCK * b = row + (index < blocks ? index : 0);
    const ushort p = lane % lanes;
    const ushort first = 2 * distance * (p / distance) + p % distance;
    raw_codes raw;
    load(b, first, raw);
    #pragma unroll
    for (ushort second = 0; second < 2; second++) {
        const ushort in_block = first + second * distance;
        scales(b, in_block, scale[2 * second], minimum[2 * second]);
        scale[2 * second + 1] = scale[2 * second];
        minimum[2 * second + 1] = minimum[2 * second];
        #pragma unroll
        for (ushort i = 0; i < 4; i++) {
            weights[4 * second + i] = values(b, codes(b, raw, in_block, i));
        }
    }
}

// Four lanes share a block of Q8_0, so that neighbouring lanes read neighbouring bytes of its 32.
static inline uint run_column(device const block_q8_0 *, uint sweep, ushort lane, ushort r) {
    return 1024 * sweep + 256 * (r / 2) + 32 * (lane / 4) + 8 * (lane % 4) + 4 * (r % 2);
}

static inline void lane_weights(device const block_q8_0 * row, uint blocks, uint sweep, ushort lane, thread half4 * weights,
        thread float * scale, thread float * minimum) {
    #pragma unroll
    for (ushort g = 0; g < 4; g++) {
        const uint index = 32 * sweep + 8 * g + lane / 4;
        device const block_q8_0 * b = row + (index < blocks ? index : 0);
        device const ushort * quants = b->quants + 4 * (lane % 4);
        weights[2 * g] = values(b, word(quants) ^ 0x80808080u);
        weights[2 * g + 1] = values(b, word(quants + 2) ^ 0x80808080u);
        scale[g] = float(b->d);
        minimum[g] = 0.0f;
    }
}

// Numbers without scales: a load of the whole simdgroup is 128 neighbouring weights.
template <typename BLOCK> static inline void float_lane_weights(device const BLOCK * row, uint blocks, uint sweep, ushort lane,
        thread float4 * weights, thread float * scale, thread float * minimum) {
    #pragma unroll
    for (ushort r = 0; r < 8; r++) {
        const uint index = 32 * sweep + 4 * r + lane / 8;
        weights[r] = float_weights(row + (index < blocks ? index : 0), 4 * (lane % 8));
        scale[r / 2] = 1.0f;
        minimum[r / 2] = 0.0f;
    }
}

#define FLOAT_LANES(BLOCK) \
    static inline uint run_column(device const BLOCK *, uint sweep, ushort lane, ushort r) { \
        return 1024 * sweep + 128 * r + 4 * lane; \
    } \
    static inline void lane_weights(device const BLOCK * row, uint blocks, uint sweep, ushort lane, thread float4 * weights, thread float * scale, \
            thread float * minimum) { \
        float_lane_weights(row, blocks, sweep, lane, weights, scale, minimum); \
    }
FLOAT_LANES(block_f32)
FLOAT_LANES(block_f16)
FLOAT_LANES(block_bf16)

template <typename BLOCK> struct lane_value { typedef half4 four; };
template <> struct lane_value<block_f32> { typedef float4 four; };
template <> struct lane_value<block_f16> { typedef float4 four; };
template <> struct lane_value<block_bf16> { typedef float4 four; };

/**
 * first and second: the matrices, second for GEGLU only. in and factors: the first of TOKENS rows. group: which simdgroup of those that work on
 * different rows; partial: SIMDGROUPS * MAX_TOKENS * MAX_ROWS sums.
 */
template <typename BLOCK> static inline void matvec(device const BLOCK * first, device const BLOCK * second, device const float * in, device float * out,
        device const float * factors, constant MatvecArguments & args, uint tokens, threadgroup float * partial, uint threadgroup_index,
        ushort simdgroup, ushort lane) {
    const uint outputs_per_group = EPILOGUE == EPILOGUE_GEGLU ? ROWS / 2 : ROWS;
    const uint first_output = (threadgroup_index * (SIMDGROUPS / SPLIT) + simdgroup / SPLIT) * outputs_per_group;
    const uint blocks = args.columns / block_format<BLOCK>::WEIGHTS;
    const uint sweeps = (args.columns + 1023) / 1024;

    float sum[MAX_TOKENS][MAX_ROWS];
    #pragma unroll
    for (uint t = 0; t < TOKENS; t++) {
        #pragma unroll
        for (uint r = 0; r < ROWS; r++) {
            sum[t][r] = 0.0f;
        }
    }
    for (uint sweep = simdgroup % SPLIT; sweep < sweeps; sweep += SPLIT) {
        float4 x[MAX_TOKENS][8];
        float x_sum[MAX_TOKENS][4];
        #pragma unroll
        for (uint t = 0; t < TOKENS; t++) {
            device const float * row = in + ulong(t < tokens ? t : 0) * args.in_stride;
            #pragma unroll
            for (ushort r = 0; r < 8; r++) {
                const uint column = run_column(first, sweep, lane, r);
                x[t][r] = column < args.columns ? *(device const float4 *)(row + column) : float4(0.0f);
            }
            #pragma unroll
            for (ushort g = 0; g < 4; g++) {
                x_sum[t][g] = has_minimum<BLOCK>::VALUE ? dot(x[t][2 * g] + x[t][2 * g + 1], float4(1.0f)) : 0.0f;
            }
        }
        #pragma unroll
        for (uint r = 0; r < ROWS; r++) {
            const bool up = r >= outputs_per_group;
            const uint output = first_output + (up ? r - outputs_per_group : r);
            device const BLOCK * row = (up ? second : first) + ulong(output < args.outputs ? output : 0) * blocks;
            typename lane_value<BLOCK>::four weights[8];
            float scale[4];
            float minimum[4];
            lane_weights(row, blocks, sweep, lane, weights, scale, minimum);
            #pragma unroll
            for (uint t = 0; t < TOKENS; t++) {
                #pragma unroll
                for (ushort g = 0; g < 4; g++) {
                    const float products = dot(float4(weights[2 * g]), x[t][2 * g]) + dot(float4(weights[2 * g + 1]), x[t][2 * g + 1]);
                    sum[t][r] += scale[g] * products;
                    if (has_minimum<BLOCK>::VALUE) {
                        sum[t][r] -= minimum[g] * x_sum[t][g];
                    }
                }
            }
        }
    }

    // From here on lane r has row r.
    float mine[MAX_TOKENS];
    #pragma unroll
    for (uint t = 0; t < TOKENS; t++) {
        mine[t] = 0.0f;
        #pragma unroll
        for (uint r = 0; r < ROWS; r++) {
            const float total = simd_sum(sum[t][r]);
            mine[t] = lane == r ? total : mine[t];
        }
    }
    if (SPLIT > 1) {
        if (lane < ROWS) {
            #pragma unroll
            for (uint t = 0; t < TOKENS; t++) {
                partial[(simdgroup * MAX_TOKENS + t) * MAX_ROWS + lane] = mine[t];
            }
        }
        threadgroup_barrier(mem_flags::mem_threadgroup);
        if (simdgroup % SPLIT != 0) {
            return;
        }
        if (lane < ROWS) {
            #pragma unroll
            for (uint t = 0; t < TOKENS; t++) {
                for (uint other = 1; other < SPLIT; other++) {
                    mine[t] += partial[((simdgroup + other) * MAX_TOKENS + t) * MAX_ROWS + lane];
                }
            }
        }
    }
    #pragma unroll
    for (uint t = 0; t < TOKENS; t++) {
        float result = mine[t];
        if (EPILOGUE == EPILOGUE_GEGLU) {
            const float up = simd_shuffle_down(result, ushort(ROWS / 2));
            result = gelu_tanh(result) * up;
        }
        const uint output = first_output + lane;
        if (t < tokens && lane < outputs_per_group && output < args.outputs) {
            if (EPILOGUE == EPILOGUE_GELU_FACTORS) {
                result = gelu_tanh(result) * factors[ulong(t) * args.factors_stride + output];
            }
            if (EPILOGUE == EPILOGUE_SOFTCAP) {
                result = args.softcap * precise::tanh(result / args.softcap);
            }
            out[ulong(t) * args.out_stride + output] = result;
        }
    }
}

/**
 * Products of a matrix and rows of activations. second: the up matrix, read with EPILOGUE_GEGLU only; factors: read with EPILOGUE_GELU_FACTORS only.
 * Grid (ceil(outputs / outputs per threadgroup), ceil(tokens / TOKENS)), 128 threads; outputs per threadgroup = ROWS * 4 / SPLIT, half of it with GEGLU.
 */
#define MATVEC_KERNEL(TYPE) \
    kernel void matvec_##TYPE(device const block_##TYPE * first [[buffer(0)]], device const block_##TYPE * second [[buffer(1)]], \
            device const float * in [[buffer(2)]], device float * out [[buffer(3)]], device const float * factors [[buffer(4)]], \
            constant MatvecArguments & args [[buffer(5)]], uint2 group [[threadgroup_position_in_grid]], \
            ushort simdgroup [[simdgroup_index_in_threadgroup]], ushort lane [[thread_index_in_simdgroup]]) { \
        threadgroup float partial[SIMDGROUPS * MAX_TOKENS * MAX_ROWS]; \
        const uint token = group.y * TOKENS; \
        matvec(first, second, in + ulong(token) * args.in_stride, out + ulong(token) * args.out_stride, \
                factors + ulong(token) * args.factors_stride, args, args.tokens - token, partial, group.x, simdgroup, lane); \
    }
