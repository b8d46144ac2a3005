#include "matmul_wgmma.cuh"

#if WGMMA
#define RUN(COLUMNS, ...) matmul_wgmma<COLUMNS>({in, in_groups, weights, weight_groups, weight_bytes, chunks, outputs}, DenseTiles{rows}, __VA_ARGS__);
#else
#define RUN(...)
#endif

/** Grid: at most the device's multiprocessors; 384 threads; dynamic shared memory WgmmaShape<COLUMNS>::SHARED_BYTES. */
#define MATMUL_WGMMA_KERNELS(COLUMNS) \
    extern "C" __global__ void __launch_bounds__(WGMMA_THREADS, 1) matmul_wgmma_n##COLUMNS(const uint16_t* in, int in_groups, const float* in_scales, \
            const uint16_t* weights, int weight_groups, int64_t weight_bytes, int chunks, int outputs, int rows, float* out, int64_t out_stride) { \
        RUN(COLUMNS, FloatOutput{in_scales, out, out_stride, outputs, nullptr}) \
    } \
    extern "C" __global__ void __launch_bounds__(WGMMA_THREADS, 1) matmul_wgmma_n##COLUMNS##_geglu(const uint16_t* in, int in_groups, \
            const float* in_scales, const uint16_t* weights, int weight_groups, int64_t weight_bytes, int chunks, int outputs, int rows, \
            uint16_t* panel, int groups, unsigned* largest, float* scales, int again) { \
        RUN(COLUMNS, GegluOutput{in_scales, panel, groups, outputs, largest, scales, again != 0}) \
    }

MATMUL_WGMMA_KERNELS(256)
MATMUL_WGMMA_KERNELS(224)
MATMUL_WGMMA_KERNELS(192)
MATMUL_WGMMA_KERNELS(128)
