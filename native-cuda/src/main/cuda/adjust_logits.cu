#include "sampling.cuh"

/**
 * out = logits with bias and penalties, negative infinity for tokens that are not allowed. bias [vocabulary] may be null; counts [rows][vocabulary] of
 * tokens in the penalty window may be null; allowed [rows][ceil(vocabulary / 64)] has a bit for each token, and may be null. NaN of an allowed token
 * stays NaN, so that the sampler reports it. Grid (ceil(vocabulary / block), rows).
 */
extern "C" __global__ void adjust_logits(const float* logits, int64_t stride, int vocabulary, const SamplerOptions* options, const float* bias,
        const int* counts, const uint64_t* allowed, float* out, int64_t out_stride) {
    int token = blockIdx.x * blockDim.x + threadIdx.x;
    if (token >= vocabulary) {
        return;
    }
    int words = (vocabulary + 63) / 64;
    if (allowed != nullptr && (allowed[blockIdx.y * static_cast<int64_t>(words) + token / 64] >> token % 64 & 1) == 0) {
        out[blockIdx.y * out_stride + token] = -CUDART_INF_F;
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
