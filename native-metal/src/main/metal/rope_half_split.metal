#include "rope.h"

/** stride in floats. */
struct RopeArguments {
    uint stride;
    uint heads;
    uint head_dim;
};
static_assert(sizeof(RopeArguments) == 12, "as in MetalRope");

/** Turns the pairs (i, i + head_dim / 2) of every head, in place. Grid of threads (at least head_dim / 2, rows). */
kernel void rope_half_split(device float * x [[buffer(0)]], device const uint2 * turns [[buffer(1)]], device const int * positions [[buffer(2)]],
        constant RopeArguments & args [[buffer(3)]], uint2 position [[thread_position_in_grid]]) {
    const uint pairs = args.head_dim / 2;
    if (position.x >= pairs) {
        return;
    }
    const float2 cos_sin = rotation(turns[position.x], uint(positions[position.y]));
    device float * first = x + ulong(position.y) * args.stride + position.x;
    for (uint head = 0; head < args.heads; head++) {
        device float * pair = first + head * args.head_dim;
        const float2 result = turned(pair[0], pair[pairs], cos_sin);
        pair[0] = result.x;
        pair[pairs] = result.y;
    }
}
