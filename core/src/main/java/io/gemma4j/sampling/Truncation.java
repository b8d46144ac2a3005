package io.gemma4j.sampling;

/**
 * The stages that drop unlikely candidates by probability. Each one works with the softmax of the candidates that the stages before it left,
 * at temperature 1. Not thread-safe.
 */
final class Truncation {
    private final Nucleus nucleus;

    /** For at most {@code capacity} candidates. */
    Truncation(int capacity) {
        nucleus = new Nucleus(capacity);
    }

    /**
     * Locally typical sampling (Meister et al. 2023, "Locally Typical Sampling", equation 10): the smallest set of tokens whose information
     * {@code -ln p} is nearest to its expectation {@code H = -sum p ln p}, with probabilities that sum to at least {@code typicalP}.
     * Distances are compared as floats, ties by the lowest id.
     */
    void typicalP(Candidates candidates, float typicalP) {
        double total = candidates.weigh(1);
        double max = candidates.maxLogit();
        double meanLogit = 0; // expectation of logit - max
        for (int i = 0; i < candidates.size(); i++) {
            meanLogit += candidates.weight(i) * (candidates.logit(i) - max);
        }
        meanLogit /= total;
        for (int i = 0; i < candidates.size(); i++) {
            // -ln p - H = (ln total - (logit - max)) - (ln total - meanLogit)
            nucleus.score(i, (float) -Math.abs(meanLogit - (candidates.logit(i) - max)));
        }
        nucleus.keep(candidates, total, typicalP);
    }

    /**
     * Nucleus sampling (Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", equation 2): the smallest set of most likely
     * tokens whose probabilities sum to at least {@code topP}.
     */
    void topP(Candidates candidates, float topP) {
        double total = candidates.weigh(1);
        for (int i = 0; i < candidates.size(); i++) {
            nucleus.score(i, candidates.logit(i));
        }
        nucleus.keep(candidates, total, topP);
    }

    /**
     * Min-p (Nguyen et al. 2024, "Turning Up the Heat: Min-p Sampling for Creative and Coherent LLM Outputs"): the tokens with
     * {@code p >= minP * max p}, that is {@code logit >= max logit + ln minP}.
     */
    static void minP(Candidates candidates, float minP) {
        double threshold = candidates.maxLogit() + StrictMath.log(minP);
        int kept = 0;
        for (int i = 0; i < candidates.size(); i++) {
            if (candidates.logit(i) >= threshold) {
                kept = candidates.keep(kept, i);
            }
        }
        candidates.truncate(kept);
    }
}
