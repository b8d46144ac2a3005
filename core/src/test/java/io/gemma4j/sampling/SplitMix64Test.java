package io.gemma4j.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SplitMix64Test {
    @Test
    void documentedVectorsHold() {
        assertVector(0, 0, 0xe220a8397b1dcdafL, 0x1.c4415072f63b9p-1);
        assertVector(1234567, 0, 0x599ed017fb08fc85L, 0x1.667b405fec23ep-2);
        assertVector(1234567, 4, 0xe3b8346708cb5ecdL, 0x1.c77068ce1196bp-1);
        assertVector(-1, 1_000_000, 0xb6fe577e474fffc8L, 0x1.6dfcaefc8e9ffp-1);
    }

    @Test
    void everyStepIsTheNextOutputOfTheJdkGeneratorOfThatSeed() {
        Random seeds = new Random(1);
        for (int i = 0; i < 50; i++) {
            long seed = seeds.nextLong();
            SplittableRandom oracleBits = new SplittableRandom(seed);
            SplittableRandom oracleUniform = new SplittableRandom(seed);
            for (int step = 0; step < 200; step++) {
                assertEquals(oracleBits.nextLong(), SplitMix64.bits(seed, step));
                assertEquals(oracleUniform.nextDouble(), SplitMix64.uniform(seed, step));
            }
        }
    }

    private static void assertVector(long seed, long step, long bits, double uniform) {
        assertEquals(Long.toHexString(bits), Long.toHexString(SplitMix64.bits(seed, step)));
        assertEquals(uniform, SplitMix64.uniform(seed, step));
    }
}
