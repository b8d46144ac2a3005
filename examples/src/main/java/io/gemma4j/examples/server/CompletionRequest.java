package io.gemma4j.examples.server;

import io.gemma4j.Gemma4;

/**
 * What is asked of {@code /v1/completions}.
 *
 * @param prompt the text to go on with
 * @param echo whether the answer begins with it
 * @param logprobs of how many of the most likely tokens at each place the log-probability is told; -1 for none, not of the text's own either
 * @param generation how to go on
 */
record CompletionRequest(String prompt, boolean echo, int logprobs, GenerationFields generation) {
    private static final int MAX_LOGPROBS = 5;

    static CompletionRequest read(RequestObject request, Gemma4 model, ResponseFormats formats) {
        if (request.has("suffix")) {
            throw ApiError.unsupported("suffix", "suffix is not supported");
        }
        if (request.integer("best_of", 1, 128).orElse(1) > 1) {
            throw ApiError.unsupported("best_of", "best_of must be 1");
        }
        if (!request.required("prompt").isTextual()) {
            throw ApiError.unsupported("prompt", "prompt must be one string; ask once for each of several, and for tokens by their text");
        }
        return new CompletionRequest(request.requiredString("prompt"), request.flag("echo", false),
                (int) request.integer("logprobs", 0, MAX_LOGPROBS).orElse(-1),
                GenerationFields.read(request, model.samplingDefaults(), model.tokenizer(), formats));
    }
}
