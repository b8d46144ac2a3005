package io.gemma4j.metal;

import io.gemma4j.SamplingOptions;

/**
 * Chooses the next token of a row on the GPU, where the next step finds it. The meaning is that of {@link io.gemma4j.sampling.Sampler}. Used by one
 * thread at a time. Whoever created it closes it.
 */
final class MetalSampling implements AutoCloseable {
    /** What {@code result} holds instead of a token where a logit is NaN. */
    static final int NOT_A_NUMBER = -1;
    /** What {@code result} holds instead of a token where all logits are negative infinity. */
    static final int NONE_POSSIBLE = -2;

    private static final int MAX_CANDIDATES = 64;
    private static final int CHUNK = 2048;
    private static final int THREADS = 256;
    private static final int SIMDGROUP = 32;

    private final KernelLibrary kernels;
    private final MetalPipeline argmax;
    private final MetalPipeline sampleGreedy;
    private final MetalPipeline topCandidates;
    private final MetalPipeline topCandidatesMerge;
    private final MetalPipeline sampleTopK;
    private final MetalPipeline acceptTokens;
    private final MetalBuffer candidates;
    private final MetalBuffer fewerCandidates;
    private final int vocabulary;

    /**
     * Allocates its scratch memory.
     *
     * @param vocabulary logits of a row
     */
    MetalSampling(MetalDevice device, KernelLibrary kernels, int vocabulary) {
        this.kernels = kernels;
        this.vocabulary = vocabulary;
        argmax = kernels.pipeline("argmax");
        sampleGreedy = kernels.pipeline("sample_greedy");
        topCandidates = kernels.pipeline("top_candidates");
        topCandidatesMerge = kernels.pipeline("top_candidates_merge");
        sampleTopK = kernels.pipeline("sample_top_k");
        acceptTokens = kernels.pipeline("accept_tokens");
        long bytes = (long) Math.ceilDiv(vocabulary, CHUNK) * MAX_CANDIDATES * Long.BYTES;
        candidates = MetalBuffer.allocate(device, "candidates", bytes);
        fewerCandidates = MetalBuffer.allocate(device, "candidates", bytes);
    }

    /**
     * Where a token goes.
     *
     * @param nextInput {@code int}, the token; 0 after an error
     * @param result {@code int}, the token, {@value #NOT_A_NUMBER} or {@value #NONE_POSSIBLE}
     */
    record Target(BufferSlice nextInput, BufferSlice result) {}

    /** Whether {@link #sample} does all that the options ask for; without top-k, with more than 64 or with typical-p, {@code Sampler} does. */
    static boolean supports(SamplingOptions options) {
        return options.temperature() == 0 || options.topK() >= 1 && options.topK() <= MAX_CANDIDATES && options.typicalP() == 1;
    }

    /**
     * Chooses a token.
     *
     * @param logits one row, with bias and penalties
     * @param options such that {@link #supports} holds
     * @param uniform random number of this draw, in [0, 1)
     */
    void sample(MetalStream stream, BufferSlice logits, SamplingOptions options, double uniform, Target target) {
        if (!supports(options)) {
            throw new IllegalArgumentException("expected temperature 0, or top-k from 1 to " + MAX_CANDIDATES + " without typical-p, found " + options);
        }
        int chunks = Math.ceilDiv(vocabulary, CHUNK);
        if (options.temperature() == 0) {
            stream.kernel(argmax).read(0, logits).write(1, candidates.slice()).put(vocabulary).arguments(2).dispatch(Grid.of(chunks), THREADS);
            stream.kernel(sampleGreedy).read(0, candidates.slice()).write(1, target.nextInput()).write(2, target.result()).put(chunks).arguments(3)
                    .dispatch(Grid.of(1), SIMDGROUP);
            return;
        }
        stream.kernel(topCandidates).read(0, logits).write(1, candidates.slice()).put(vocabulary).arguments(2).dispatch(Grid.of(chunks), THREADS);
        MetalBuffer best = candidates;
        while (chunks > 1) {
            MetalBuffer fewer = best == candidates ? fewerCandidates : candidates;
            int count = chunks * MAX_CANDIDATES;
            chunks = Math.ceilDiv(count, CHUNK);
            stream.kernel(topCandidatesMerge).read(0, best.slice()).write(1, fewer.slice()).put(count).arguments(2).dispatch(Grid.of(chunks), THREADS);
            best = fewer;
        }
        float minLogit = options.minP() > 0 ? (float) Math.log(options.minP()) : -Float.MAX_VALUE;
        stream.kernel(sampleTopK).read(0, best.slice()).write(1, target.nextInput()).write(2, target.result()).put(options.topK())
                .put(options.temperature()).put(options.topP()).put(minLogit).put(Math.min((float) uniform, Math.nextDown(1f))).arguments(3)
                .dispatch(Grid.of(1), SIMDGROUP);
    }

    /**
     * {@code out} = logits with bias and penalties, negative infinity for tokens that are not allowed.
     *
     * @param bias {@code float} for each token, negative infinity for banned ones; null for none
     * @param counts {@code int} for each token: how often it is in the window of the penalties; null for no penalties
     * @param allowed a bit for each token, 32 in each {@code int}; null where all are
     */
    void adjust(MetalStream stream, BufferSlice logits, BufferSlice bias, BufferSlice counts, BufferSlice allowed, SamplingOptions options,
            BufferSlice out) {
        FunctionConstants has = FunctionConstants.NONE.with(0, bias != null).with(1, counts != null).with(2, allowed != null);
        stream.kernel(kernels.pipeline("adjust_logits", has)).read(0, logits).weight(1, bias == null ? logits : bias)
                .weight(3, allowed == null ? logits : allowed).write(4, out);
        if (counts == null) {
            stream.weight(2, logits);
        } else {
            stream.read(2, counts);
        }
        stream.put(vocabulary).put(options.repetitionPenalty()).put(options.frequencyPenalty()).put(options.presencePenalty()).arguments(5)
                .dispatch(Grid.of(Math.ceilDiv(vocabulary, THREADS)), THREADS);
    }

    /**
     * Counts tokens for the penalties.
     *
     * @param tokens {@code int} for each
     * @param count how many; at most the window holds, where there is one
     * @param before tokens counted earlier
     * @param counts {@code int} for each token of the vocabulary, zeros at the start
     * @param window {@code int} for each of the last tokens that count, or null where all count
     */
    void accept(MetalStream stream, BufferSlice tokens, int count, int before, BufferSlice counts, BufferSlice window) {
        int windowTokens = window == null ? 0 : Math.toIntExact(window.bytes() / Integer.BYTES);
        if (window != null && count > windowTokens) {
            throw new IllegalArgumentException("expected at most " + windowTokens + " tokens, found " + count);
        }
        stream.kernel(acceptTokens).read(0, tokens).write(1, counts);
        if (window == null) {
            stream.weight(2, tokens);
        } else {
            stream.write(2, window);
        }
        stream.put(count).put(before).put(windowTokens).arguments(3).dispatch(Grid.of(Math.ceilDiv(count, THREADS)), Math.min(count, THREADS));
    }

    @Override
    public void close() {
        candidates.close();
        fewerCandidates.close();
    }
}
