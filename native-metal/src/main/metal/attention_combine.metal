#include <metal_stdlib>
using namespace metal;

/** out_stride in floats. */
struct AttentionCombineArguments {
    uint out_stride;
    uint heads;
    uint kv_heads;
    uint rows;
    uint splits;
    uint head_dim;
};
static_assert(sizeof(AttentionCombineArguments) == 24, "as in MetalAttention");

/** Puts the parts of an attention together, always in the same order. Grid (heads, rows), one threadgroup of any size. */
kernel void attention_combine(device const float * parts [[buffer(0)]], device const float2 * part_sums [[buffer(1)]], device float * out [[buffer(2)]],
        constant AttentionCombineArguments & args [[buffer(3)]], uint2 group [[threadgroup_position_in_grid]],
        ushort2 threads [[threads_per_threadgroup]], ushort thread_index [[thread_index_in_threadgroup]]) {
    const uint heads_per_kv = args.heads / args.kv_heads;
    const uint entries = args.rows * heads_per_kv;
    const uint first = group.x / heads_per_kv * entries + group.y * heads_per_kv + group.x % heads_per_kv;
    const uint split_entries = args.kv_heads * entries;
    float greatest = -FLT_MAX;
    for (uint split = 0; split < args.splits; split++) {
        greatest = max(greatest, part_sums[first + ulong(split) * split_entries].x);
    }
    float total = 0.0f;
    for (uint split = 0; split < args.splits; split++) {
        const float2 sums = part_sums[first + ulong(split) * split_entries];
        total += sums.y * precise::exp(sums.x - greatest);
    }
    for (uint d = thread_index; d < args.head_dim; d += threads.x) {
        float value = 0.0f;
        for (uint split = 0; split < args.splits; split++) {
            const ulong entry = first + ulong(split) * split_entries;
            value += parts[entry * args.head_dim + d] * precise::exp(part_sums[entry].x - greatest);
        }
        out[ulong(group.y) * args.out_stride + group.x * args.head_dim + d] = value / total;
    }
}
