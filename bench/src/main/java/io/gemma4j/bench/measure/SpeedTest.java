package io.gemma4j.bench.measure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * What is timed: a prompt processed together, or tokens generated one by one, after a sequence of some depth. Named as llama-bench names its
 * tests.
 *
 * @param generates whether tokens are generated
 * @param tokens number of tokens that are timed
 * @param depth tokens in the sequence before
 */
public record SpeedTest(boolean generates, int tokens, int depth) {
    // The last of the sequence before: a backend may prepare itself with the first tokens that it generates at some depth.
    private static final int UNTIMED_GENERATED = 8;

    /** Every prompt and every generation at every depth; numbers of 0 tokens are left out. */
    public static List<SpeedTest> of(List<Integer> prompts, List<Integer> generations, List<Integer> depths) {
        List<SpeedTest> tests = new ArrayList<>();
        for (int depth : depths) {
            prompts.stream().filter(tokens -> tokens > 0).forEach(tokens -> tests.add(new SpeedTest(false, tokens, depth)));
            generations.stream().filter(tokens -> tokens > 0).forEach(tokens -> tests.add(new SpeedTest(true, tokens, depth)));
        }
        return tests;
    }

    /** As in {@code tg128 @ d8192}. */
    public String name() {
        return (generates ? "tg" : "pp") + tokens + (depth > 0 ? " @ d" + depth : "");
    }

    /** Tokens the sequence holds at the end. */
    public int contextTokens() {
        return depth + tokens;
    }

    /**
     * Runs it once.
     *
     * @param vocabulary number of tokens to draw from
     * @return seconds
     */
    double seconds(Engine engine, int vocabulary) {
        // The same tokens for every engine and repetition.
        int[] ids = new SplittableRandom(tokens).ints(contextTokens(), 0, vocabulary).toArray();
        engine.clear();
        int prompt = generates ? Math.max(0, depth - UNTIMED_GENERATED) : depth;
        if (prompt > 0) {
            engine.feed(Arrays.copyOf(ids, prompt));
        }
        if (prompt < depth) {
            engine.generate(Arrays.copyOfRange(ids, prompt, depth));
        }
        int[] timed = Arrays.copyOfRange(ids, depth, ids.length);
        long start = System.nanoTime();
        if (generates) {
            engine.generate(timed);
        } else {
            engine.feed(timed);
        }
        return (System.nanoTime() - start) / 1e9;
    }
}
