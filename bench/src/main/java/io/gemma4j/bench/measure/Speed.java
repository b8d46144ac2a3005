package io.gemma4j.bench.measure;

import java.util.List;

/**
 * The result of one test of one engine.
 *
 * @param engine its name
 * @param test its name
 * @param generates whether tokens were generated
 * @param tokens number of tokens that were timed
 * @param depth tokens in the sequence before
 * @param seconds of each repetition
 * @param tokensPerSecond mean over the repetitions
 * @param deviation standard deviation of the same
 * @param spread difference of the slowest and the fastest repetition, as a fraction of the mean
 * @param bytesPerToken weights, keys and values that a generated token must read; null for prompts
 * @param gigabytesPerSecond the same at the mean speed
 * @param bandwidthFraction the same as a fraction of what the machine reads at most; null where that is not known
 */
public record Speed(String engine, String test, boolean generates, int tokens, int depth, List<Double> seconds, double tokensPerSecond,
        double deviation, double spread, Long bytesPerToken, Double gigabytesPerSecond, Double bandwidthFraction) {
    private static final double UNSTEADY = 0.1;

    /**
     * Evaluates repetitions.
     *
     * @param bandwidth bytes that the machine reads in a second, or null
     */
    static Speed of(Engine engine, SpeedTest test, List<Double> seconds, MemoryTraffic traffic, Double bandwidth) {
        double[] rates = seconds.stream().mapToDouble(s -> test.tokens() / s).sorted().toArray();
        double mean = 0;
        for (double rate : rates) {
            mean += rate / rates.length;
        }
        double squares = 0;
        for (double rate : rates) {
            squares += (rate - mean) * (rate - mean);
        }
        double deviation = rates.length > 1 ? Math.sqrt(squares / (rates.length - 1)) : 0;
        double spread = (rates[rates.length - 1] - rates[0]) / mean;
        Long bytes = test.generates() ? traffic.bytesPerToken(test.depth() + test.tokens() / 2) : null;
        Double rate = bytes == null ? null : bytes * mean / 1e9;
        return new Speed(engine.name(), test.name(), test.generates(), test.tokens(), test.depth(), List.copyOf(seconds), mean, deviation, spread,
                bytes, rate, rate == null || bandwidth == null ? null : rate * 1e9 / bandwidth);
    }

    /** Whether the repetitions differ so much that the mean says little. */
    public boolean unsteady() {
        return spread > UNSTEADY;
    }
}
