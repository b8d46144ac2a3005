#include "sampling.cuh"

/**
 * out = logits with bias and penalties. bias [vocabulary] may be null; counts [rows][vocabulary] of tokens in the penalty window may be null. NaN
 * stays NaN, so that the sampler reports it. Grid (ceil(vocabulary / block), rows).
 */
extern "C" __global__ void adjust_logits(const float* logits, int64_t stride, int vocabulary, const SamplerOptions* options, const float* bias,
        const int* counts, float* out, int64_t out_stride) {
    int token = blockIdx.x * blockDim.x + threadIdx.x;
    if (token >= vocabulary) {
        return;
    }
    const SamplerOptions& o = options[blockIdx.y];
    float logit = logits[blockIdx.y * stride + token];
    if (bias != nullptr && !isnan(logit)) {
        // A ban is set, not added: positive infinity minus infinity would be NaN.
        logit = bias[token] == -CUDART_INF_F ? bias[token] : logit + bias[token];
    }
    int count = counts == nullptr ? 0 : counts[blockIdx.y * static_cast<int64_t>(vocabulary) + token];
    if (count > 0) {
        logit = logit > 0 ? logit / o.repetition_penalty : logit * o.repetition_penalty;
        logit = static_cast<float>(logit - (static_cast<double>(count) * o.frequency_penalty + o.presence_penalty));
    }
    out[blockIdx.y * out_stride + token] = logit;
}
