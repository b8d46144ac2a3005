package io.gemma4j.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.SamplingOptions;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

class SamplerPropertyTest {
    @Property(tries = 1500)
    void theSampledTokenIsAmongTheReferencesCandidates(@ForAll("logits") float[] logits, @ForAll("options") SamplingOptions options) {
        int[] history = new Random(logits.length).ints(20, 0, logits.length).toArray();
        Sampler sampler = new Sampler(options, logits.length);
        for (int token : history) {
            sampler.accept(token);
        }
        int token = sampler.sample(logits);
        // A hair wider, so that rounding at the boundary cannot fail the test.
        SamplingOptions wider = options.topP(Math.min(1, options.topP() + 1e-6f)).minP(Math.max(0, options.minP() - 1e-6f))
                .typicalP(Math.min(1, options.typicalP() + 1e-6f));
        assertTrue(ReferenceChain.probabilities(logits, wider, history)[token] > 0);
    }

    @Property(tries = 500)
    void topPKeepsTheSmallestSetThatReachesItsFraction(@ForAll("logits") float[] logits, @ForAll("fraction") float topP) {
        Candidates candidates = TestLogits.candidates(logits);
        new Truncation(logits.length).topP(candidates, topP);
        double[] p = ReferenceChain.softmax(ReferenceChain.doubles(logits), 1);
        double mass = 0;
        double least = 1;
        for (int token : TestLogits.tokens(candidates)) {
            mass += p[token];
            least = Math.min(least, p[token]);
        }
        assertTrue(mass >= topP - 1e-9);
        assertTrue(candidates.size() == 1 || mass - least < topP + 1e-9);
    }

    @Property(tries = 500)
    void topKMatchesAFullSort(@ForAll("logits") float[] logits, @ForAll("k") int k) {
        int room = Math.min(k, logits.length);
        Candidates candidates = new Candidates(room);
        float max = logits[0];
        for (float logit : logits) {
            max = Math.max(max, logit);
        }
        new TopK(room, logits.length).select(logits, max, candidates);
        int[] expected = ReferenceChain.survivors(ReferenceChain.topK(ReferenceChain.doubles(logits), k));
        assertArrayEquals(expected, TestLogits.tokens(candidates));
    }

    @Provide
    Arbitrary<float[]> logits() {
        Arbitrary<Float> ordinary = Arbitraries.floats().between(-30, 30);
        Arbitrary<Float> repeated = Arbitraries.integers().between(-2, 2).map(Integer::floatValue);
        return Arbitraries.oneOf(ordinary, repeated).array(float[].class).ofMinSize(1).ofMaxSize(200);
    }

    @Provide
    Arbitrary<Integer> k() {
        return Arbitraries.integers().between(1, 250);
    }

    @Provide
    Arbitrary<Float> fraction() {
        return Arbitraries.floats().between(0, 1);
    }

    @Provide
    Arbitrary<SamplingOptions> options() {
        Arbitrary<SamplingOptions> truncation = Combinators.combine(Arbitraries.integers().between(0, 100), fraction(), fraction(), fraction())
                .as((k, topP, minP, typicalP) -> SamplingOptions.defaults().topK(k).topP(topP).minP(minP).typicalP(typicalP));
        Arbitrary<Float> penalty = Arbitraries.floats().between(-2, 2);
        return Combinators.combine(truncation, Arbitraries.floats().between(0, 3), Arbitraries.floats().between(0.5f, 2), penalty,
                        Arbitraries.integers().between(-1, 30), Arbitraries.longs(), penalty)
                .as((base, temperature, repetition, presence, penaltyTokens, seed, bias) -> base.temperature(temperature)
                        .repetitionPenalty(repetition).presencePenalty(presence).penaltyTokens(penaltyTokens).seed(seed)
                        .logitBias(Map.of(0, bias)));
    }
}
