// The entry points of one storage type. extern "C" names cannot come from templates, so a macro spells them out; arguments are those of README.md.
#pragma once

#include "matvec_project.cuh"

#define MATVEC_KERNEL extern "C" __global__ void __launch_bounds__(BLOCK_THREADS, 2)

#define WEIGHTS_PARAMETERS const uint8_t *weights, int rows, int columns, int tilesPerUnit, int unitsPerBlock, int extraUnits, int ringStages
#define WEIGHTS (Weights{weights, rows, columns, tilesPerUnit, unitsPerBlock, extraUnits, ringStages})

#define EXPERTS_PARAMETERS const int *expertIds, int slots, int64_t expertBytes
#define EXPERTS (Experts{expertIds, slots, expertBytes})
#define NO_EXPERTS (Experts{nullptr, 1, 0})

#define VECTOR_PARAMETERS const float *x, const int8_t *q, const float *d, const float *s

#define RESIDUAL_PARAMETERS                                                                                                                                 \
    const float *hidden, float *hiddenOut, const float *branch0, const float *branch1, const float *branchNorm, const float *other0,                        \
        const float *other1, const float *otherNorm, const float *postNorm, float hiddenScale, const float *norm, float epsilon
#define RESIDUAL                                                                                                                                            \
    (NormalizeResidual{{hidden, hiddenOut, branch0, branch1, branchNorm, other0, other1, otherNorm, postNorm, hiddenScale, norm, epsilon}})

#define PLANES_PARAMETERS float *plane0, float *plane1
#define PLANES (WritePlanes{{plane0, plane1}})

#define QUANTIZED_OUTPUT_PARAMETERS float *y, int8_t *q, float *d, float *s
#define QUANTIZED_OUTPUT (QuantizedOutput{y, q, d, s})

#if BULK_COPY
#define MATVEC_PROJECT_ENTRY(NAME, FORMAT)                                                                                                                  \
    extern "C" __global__ void __cluster_dims__(PROJECT_CLUSTER_BLOCKS, 1, 1) __launch_bounds__(BLOCK_THREADS, 2)                                           \
        matvec_##NAME##_norm_gelu_project(const uint8_t* gate, int rows, int columns, const uint8_t* projection, int projectionRows, RESIDUAL_PARAMETERS,   \
                                          const float* multiplier, PLANES_PARAMETERS) {                                                                     \
        projectGelu<FORMAT>(gate, rows, columns, projection, projectionRows, {RESIDUAL.r}, multiplier, {plane0, plane1});                                   \
    }
#else
#define MATVEC_PROJECT_ENTRY(NAME, FORMAT)
#endif

#define MATVEC_ENTRIES(NAME, FORMAT)                                                                                                                        \
    MATVEC_KERNEL matvec_##NAME(WEIGHTS_PARAMETERS, VECTOR_PARAMETERS, PLANES_PARAMETERS) {                                                                 \
        matvec<FORMAT, MatrixOrder>(WEIGHTS, NO_EXPERTS, CopyVector{{x, q, d, s, nullptr}}, PLANES, blockIdx.x);                                            \
    }                                                                                                                                                       \
    MATVEC_KERNEL matvec_##NAME##_norm(WEIGHTS_PARAMETERS, RESIDUAL_PARAMETERS, PLANES_PARAMETERS) {                                                        \
        matvec<FORMAT, MatrixOrder>(WEIGHTS, NO_EXPERTS, RESIDUAL, PLANES, blockIdx.x);                                                                     \
    }                                                                                                                                                       \
    MATVEC_KERNEL matvec_##NAME##_norm_geglu(WEIGHTS_PARAMETERS, RESIDUAL_PARAMETERS, QUANTIZED_OUTPUT_PARAMETERS) {                                        \
        matvec<FORMAT, MatrixOrder>(WEIGHTS, NO_EXPERTS, RESIDUAL, WriteGeglu{QUANTIZED_OUTPUT}, blockIdx.x);                                               \
    }                                                                                                                                                       \
    MATVEC_KERNEL matvec_##NAME##_norm_gelu(WEIGHTS_PARAMETERS, RESIDUAL_PARAMETERS, const float* multiplier, QUANTIZED_OUTPUT_PARAMETERS) {                \
        matvec<FORMAT, MatrixOrder>(WEIGHTS, NO_EXPERTS, RESIDUAL, WriteGelu{multiplier, QUANTIZED_OUTPUT}, blockIdx.x);                                    \
    }                                                                                                                                                       \
    MATVEC_KERNEL matvec_##NAME##_norm_head(WEIGHTS_PARAMETERS, RESIDUAL_PARAMETERS, float* logits, float softcap, float* blockMaximum,                     \
                                            int* blockArgmax) {                                                                                             \
        matvec<FORMAT, MatrixOrder>(WEIGHTS, NO_EXPERTS, RESIDUAL, WriteLogits{{logits, softcap, blockMaximum, blockArgmax}}, blockIdx.x);                  \
    }                                                                                                                                                       \
    MATVEC_KERNEL matvec_##NAME##_experts_norm_geglu(WEIGHTS_PARAMETERS, EXPERTS_PARAMETERS, RESIDUAL_PARAMETERS, QUANTIZED_OUTPUT_PARAMETERS) {            \
        matvec<FORMAT, ExpertsBelowOrder>(WEIGHTS, EXPERTS, RESIDUAL, WriteGeglu{QUANTIZED_OUTPUT}, blockIdx.x);                                            \
    }                                                                                                                                                       \
    MATVEC_KERNEL matvec_##NAME##_experts(WEIGHTS_PARAMETERS, EXPERTS_PARAMETERS, const float* expertWeights, VECTOR_PARAMETERS,                            \
                                          PLANES_PARAMETERS) {                                                                                              \
        matvec<FORMAT, ExpertsBesideOrder>(WEIGHTS, EXPERTS, CopyVector{{x, q, d, s, expertWeights}}, PLANES, blockIdx.x);                                  \
    }                                                                                                                                                       \
    MATVEC_PROJECT_ENTRY(NAME, FORMAT)

// Blocks below blocksA take the first matrix, whose rows come first in the planes.
#define MATVEC_TWO_TYPES_ENTRY(NAME_A, FORMAT_A, NAME_B, FORMAT_B)                                                                                          \
    MATVEC_KERNEL matvec_##NAME_A##_##NAME_B##_norm(WEIGHTS_PARAMETERS, const uint8_t* weightsB, int rowsB, int unitsPerBlockB, int extraUnitsB,            \
                                                    int blocksA, int ringStagesB, RESIDUAL_PARAMETERS, PLANES_PARAMETERS) {                                 \
        if (blockIdx.x < blocksA) {                                                                                                                         \
            matvec<FORMAT_A, MatrixOrder>(WEIGHTS, NO_EXPERTS, RESIDUAL, PLANES, blockIdx.x);                                                               \
        } else {                                                                                                                                            \
            Weights b{weightsB, rowsB, columns, tilesPerUnit, unitsPerBlockB, extraUnitsB, ringStagesB};                                                    \
            WritePlanes below{{plane0 + rows, plane1 == nullptr ? nullptr : plane1 + rows}};                                                                \
            matvec<FORMAT_B, MatrixOrder>(b, NO_EXPERTS, RESIDUAL, below, blockIdx.x - blocksA);                                                            \
        }                                                                                                                                                   \
    }
