package io.gemma4j.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gemma4j.Gemma4Exception;
import io.gemma4j.SamplingOptions;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class MaskedSamplerTest {
    @Property(tries = 500)
    void aMaskedDrawIsADrawFromLogitsWithoutTheOthers(@ForAll long seed, @ForAll @IntRange(min = 1, max = 300) int vocabulary) {
        Random random = new Random(seed);
        SamplingOptions options = SamplingOptions.defaults().seed(seed).temperature(random.nextInt(3) * 0.6f)
                .topK(random.nextInt(8)).topP(0.5f + 0.5f * random.nextFloat())
                .repetitionPenalty(random.nextBoolean() ? 1 : 1.5f).logitBias(random.nextBoolean() ? Map.of() : Map.of(random.nextInt(vocabulary), 3f));
        Sampler masked = new Sampler(options, vocabulary);
        Sampler plain = new Sampler(options, vocabulary);
        int before = random.nextInt(vocabulary);
        masked.accept(before);
        plain.accept(before);
        float[] logits = new float[vocabulary];
        float[] without = new float[vocabulary];
        long[] allowed = new long[(vocabulary + 63) / 64];
        for (int token = 0; token < vocabulary; token++) {
            logits[token] = (float) random.nextGaussian();
            // Whole words of nothing and of everything as well.
            boolean in = switch (token / 64 % 3) {
                case 0 -> random.nextInt(4) == 0;
                case 1 -> false;
                default -> true;
            };
            allowed[token / 64] |= in ? 1L << token % 64 : 0;
            without[token] = in ? logits[token] : Float.NEGATIVE_INFINITY;
        }
        float[] copy = logits.clone();
        int expected = LongStream.of(allowed).allMatch(word -> word == 0) ? -1 : plain.sample(without);
        assertEquals(expected, masked.sample(logits, allowed));
        assertArrayEquals(copy, logits);
    }

    @Test
    void whatIsWrongWithAMaskIsSaid() {
        Sampler sampler = new Sampler(SamplingOptions.greedy(), 65);
        assertThrows(IllegalArgumentException.class, () -> sampler.sample(new float[65], new long[1]));
        assertThrows(IllegalArgumentException.class, () -> sampler.sample(new float[64], new long[2]));
        float[] broken = new float[65];
        broken[3] = Float.NaN;
        assertThrows(Gemma4Exception.class, () -> sampler.sample(broken, new long[] {9, 0}));
    }

    @Test
    void minusOneSaysThatNothingIsLeft() {
        Sampler sampler = new Sampler(SamplingOptions.greedy().logitBias(Map.of(1, Float.NEGATIVE_INFINITY)), 3);
        assertEquals(-1, sampler.sample(new float[] {1, 5, 1}, new long[] {2}));
        assertEquals(2, sampler.sample(new float[] {1, 5, 2}, new long[] {7}));
    }
}
