package io.gemma4j.sampling;

import io.gemma4j.SamplingOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/** The sampler chain in its plainest form: doubles, full sorts, a dropped token is one at negative infinity. */
final class ReferenceChain {
    private ReferenceChain() {}

    /** The probabilities that {@code options} give the tokens after {@code history}. */
    static double[] probabilities(float[] logits, SamplingOptions options, int... history) {
        double[] l = new double[logits.length];
        for (int t = 0; t < l.length; t++) {
            l[t] = logits[t] + options.logitBias().getOrDefault(t, 0f);
        }
        l = penalise(l, options, history);
        if (options.temperature() == 0) {
            return softmax(topK(l, 1), 1);
        }
        l = options.topK() == 0 ? l : topK(l, options.topK());
        l = options.typicalP() == 1 ? l : typicalP(l, options.typicalP());
        l = options.topP() == 1 ? l : topP(l, options.topP());
        l = options.minP() == 0 ? l : minP(l, options.minP());
        return softmax(l, options.temperature());
    }

    static double[] penalise(double[] logits, SamplingOptions options, int... history) {
        double[] l = logits.clone();
        int from = options.penaltyTokens() < 0 ? 0 : Math.max(0, history.length - options.penaltyTokens());
        for (int t = 0; t < l.length; t++) {
            int token = t;
            long count = Arrays.stream(history, from, history.length).filter(h -> h == token).count();
            if (count > 0) {
                l[t] = l[t] > 0 ? l[t] / options.repetitionPenalty() : l[t] * options.repetitionPenalty();
                l[t] -= count * (double) options.frequencyPenalty() + options.presencePenalty();
            }
        }
        return l;
    }

    static double[] topK(double[] l, int k) {
        List<Integer> sorted = sorted(l, t -> l[t]);
        return only(l, sorted.subList(0, Math.min(k, sorted.size())));
    }

    static double[] topP(double[] l, double p) {
        return only(l, nucleus(l, sorted(l, t -> l[t]), p));
    }

    static double[] typicalP(double[] l, double p) {
        double[] q = softmax(l, 1);
        double entropy = Arrays.stream(q).filter(v -> v > 0).map(v -> -v * Math.log(v)).sum();
        double max = Arrays.stream(l).max().orElseThrow();
        double logTotal = Math.log(Arrays.stream(l).map(v -> Math.exp(v - max)).sum());
        return only(l, nucleus(l, sorted(l, t -> (float) -Math.abs(logTotal - (l[t] - max) - entropy)), p));
    }

    static double[] minP(double[] l, double minP) {
        double[] q = softmax(l, 1);
        double max = Arrays.stream(q).max().orElseThrow();
        List<Integer> kept = sorted(l, t -> l[t]).stream().filter(t -> q[t] >= minP * max).toList();
        return only(l, kept);
    }

    static double[] softmax(double[] l, double temperature) {
        double max = Arrays.stream(l).max().orElseThrow();
        double[] w = Arrays.stream(l).map(v -> Math.exp((v - max) / temperature)).toArray();
        double total = Arrays.stream(w).sum();
        return Arrays.stream(w).map(v -> v / total).toArray();
    }

    static int draw(double[] probabilities, double uniform) {
        double sum = 0;
        int t = -1;
        while (sum <= uniform) {
            sum += probabilities[++t];
        }
        return t;
    }

    static double[] doubles(float[] logits) {
        double[] l = new double[logits.length];
        Arrays.setAll(l, t -> logits[t]);
        return l;
    }

    /** The ids of the tokens not dropped. */
    static int[] survivors(double[] l) {
        return IntStream.range(0, l.length).filter(t -> l[t] > Double.NEGATIVE_INFINITY).toArray();
    }

    private static List<Integer> sorted(double[] l, IntToDoubleFunction score) {
        List<Integer> tokens = new ArrayList<>();
        for (int t : survivors(l)) {
            tokens.add(t);
        }
        tokens.sort(Comparator.comparingDouble((Integer t) -> score.applyAsDouble(t) + 0.0).reversed());
        return tokens;
    }

    private static List<Integer> nucleus(double[] l, List<Integer> sorted, double p) {
        double max = Arrays.stream(l).max().orElseThrow();
        double total = Arrays.stream(l).map(v -> Math.exp(v - max)).sum();
        double sum = 0;
        int kept = 0;
        while (kept == 0 || kept < sorted.size() && sum < p * total) {
            sum += Math.exp(l[sorted.get(kept++)] - max);
        }
        return sorted.subList(0, kept);
    }

    private static double[] only(double[] l, List<Integer> kept) {
        double[] result = new double[l.length];
        Arrays.fill(result, Double.NEGATIVE_INFINITY);
        kept.forEach(t -> result[t] = l[t]);
        return result;
    }
}
