// Quantizes x = plane0 + plane1, f32 [columns], for the mat-vec kernels; see activation_format.cuh. plane1 may be null. columns is a multiple of 32.
// Grid ceil(columns / 1024), block 256: a thread takes four consecutive elements. Planes and q are 16-byte aligned.
#include "activation_format.cuh"
#include "dependent_launch.cuh"

extern "C" __global__ void __launch_bounds__(256)
quantize_activations(const float* plane0, const float* plane1, int columns, signed char* q, float* d, float* s) {
    launchDependents();
    waitForPredecessors();
    int first = (blockIdx.x * 256 + threadIdx.x) * 4;
    bool inside = first < columns;
    float x[4] = {};
    if (inside) {
        float4 a = *reinterpret_cast<const float4*>(plane0 + first);
        float4 b = plane1 == nullptr ? float4{} : *reinterpret_cast<const float4*>(plane1 + first);
        x[0] = a.x + b.x, x[1] = a.y + b.y, x[2] = a.z + b.z, x[3] = a.w + b.w;
    }
    int rounded[4];
    GroupScale scale = quantizeGroup(x, rounded);
    if (!inside) return;
    *reinterpret_cast<unsigned*>(q + first) = packBytes(rounded);
    if (first % ACTIVATION_GROUP == 0) {
        d[first / ACTIVATION_GROUP] = scale.d;
        s[first / ACTIVATION_GROUP] = scale.s;
    }
}
