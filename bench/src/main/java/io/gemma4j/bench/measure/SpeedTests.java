package io.gemma4j.bench.measure;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Runs tests on one engine or several. Several take turns, repetition by repetition, so that what slows the machine down for a while slows all of
 * them.
 *
 * @param engines to measure
 * @param tests to run
 * @param repetitions of each
 * @param warmUpSeconds spent on every engine before the first
 * @param vocabulary number of tokens to draw from
 */
public record SpeedTests(List<? extends Engine> engines, List<SpeedTest> tests, int repetitions, double warmUpSeconds, int vocabulary) {
    private static final int WARM_UP_GENERATED = 16;

    /**
     * Runs all.
     *
     * @param traffic of the model
     * @param bandwidth bytes that the machine reads in a second, or null
     * @param finished takes each result as it is there
     * @return the results: test by test, engine by engine
     */
    public List<Speed> run(MemoryTraffic traffic, Double bandwidth, Consumer<Speed> finished) {
        engines.forEach(this::warmUp);
        List<Speed> results = new ArrayList<>();
        for (SpeedTest test : tests) {
            List<List<Double>> seconds = new ArrayList<>();
            engines.forEach(engine -> seconds.add(new ArrayList<>()));
            for (int repetition = 0; repetition < repetitions; repetition++) {
                for (int i = 0; i < engines.size(); i++) {
                    seconds.get(i).add(test.seconds(engines.get(i), vocabulary));
                }
            }
            for (int i = 0; i < engines.size(); i++) {
                Speed speed = Speed.of(engines.get(i), test, seconds.get(i), traffic, bandwidth);
                results.add(speed);
                finished.accept(speed);
            }
        }
        return results;
    }

    /** The largest prompt and some generation at depth 0, at least once: just-in-time compilation takes its time. */
    private void warmUp(Engine engine) {
        int prompt = tests.stream().filter(test -> !test.generates()).mapToInt(SpeedTest::tokens).max().orElse(0);
        long start = System.nanoTime();
        do {
            if (prompt > 0) {
                new SpeedTest(false, prompt, 0).seconds(engine, vocabulary);
            }
            new SpeedTest(true, WARM_UP_GENERATED, 0).seconds(engine, vocabulary);
        } while (System.nanoTime() - start < warmUpSeconds * 1e9);
    }
}
