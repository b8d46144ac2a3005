#include <metal_stdlib>
using namespace metal;

/** before: tokens accepted earlier; penalty_tokens: how many of the last ones count, 0 for all. */
struct AcceptTokensArguments {
    uint count;
    uint before;
    uint penalty_tokens;
};
static_assert(sizeof(AcceptTokensArguments) == 12, "as in MetalSampling");

/**
 * Counts tokens of a text, of which only the last penalty_tokens stay counted: window [penalty_tokens] holds them, token i at i % penalty_tokens. Each
 * token takes the place of an older one, so that a call accepts at most penalty_tokens. Grid of threads (at least count).
 */
kernel void accept_tokens(device const int * tokens [[buffer(0)]], device atomic_int * counts [[buffer(1)]], device int * window [[buffer(2)]],
        constant AcceptTokensArguments & args [[buffer(3)]], uint i [[thread_position_in_grid]]) {
    if (i >= args.count) {
        return;
    }
    const int token = tokens[i];
    if (args.penalty_tokens > 0) {
        const uint place = (args.before + i) % args.penalty_tokens;
        if (args.before + i >= args.penalty_tokens) {
            atomic_fetch_add_explicit(&counts[window[place]], -1, memory_order_relaxed);
        }
        window[place] = token;
    }
    atomic_fetch_add_explicit(&counts[token], 1, memory_order_relaxed);
}
