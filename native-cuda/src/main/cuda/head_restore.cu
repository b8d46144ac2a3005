#include "dependent_launch.cuh"
#include "head_codes.cuh"

/** Takes back the rotation of attended heads, in place: x[rows][stride], `heads` of them in a row. A warp for each; grid (rows, ceil(heads / 8)). */
template <int D>
__device__ __forceinline__ void head_restore(float* x, int64_t stride, int heads) {
    launchDependents();
    waitForPredecessors();
    int head = blockIdx.y * (blockDim.x / 32) + threadIdx.x / 32;
    if (head >= heads) {
        return;
    }
    HeadLane<D> lane;
    float* at = x + blockIdx.x * stride + head * D;
    lane.load(at);
    restore_head(lane);
    lane.store(at);
}

extern "C" __global__ void __launch_bounds__(256) head_restore_d256(float* x, int64_t stride, int heads) {
    head_restore<256>(x, stride, heads);
}

extern "C" __global__ void __launch_bounds__(256) head_restore_d512(float* x, int64_t stride, int heads) {
    head_restore<512>(x, stride, heads);
}
