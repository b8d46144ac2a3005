package io.gemma4j.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class RopeFrequenciesTest {

    @Test
    void pairsTurnUpToTheLastThatAFileDoesNotStop() {
        for (int turning : new int[] {0, 1, 64, 255, 256}) {
            float[] factors = new float[256];
            Arrays.fill(factors, 0, turning, 1);
            Arrays.fill(factors, turning, 256, 1e30f);
            assertEquals(turning, RopeFrequencies.of(512, 1e6, factors).turningPairs());
        }
        assertEquals(256, RopeFrequencies.of(512, 1e6, null).turningPairs());
        float[] stopped = new float[256];
        Arrays.fill(stopped, 1e30f);
        stopped[7] = 1;
        assertEquals(8, RopeFrequencies.of(512, 1e6, stopped).turningPairs());
    }
}
