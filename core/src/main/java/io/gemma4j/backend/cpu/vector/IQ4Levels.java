package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.VectorWidth.INTS;
import static io.gemma4j.backend.cpu.vector.VectorWidth.LANES;

import io.gemma4j.tensor.IQ4_NL;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Looks nibbles up in the sixteen levels of IQ4_NL, which fill one vector of 16 lanes, two of 8 or four of 4. */
final class IQ4Levels {
    private static final int[] LEVELS = new int[16];

    static {
        for (int q = 0; q < 16; q++) {
            LEVELS[q] = IQ4_NL.level(q);
        }
    }

    private IQ4Levels() {}

    static IntVector of(IntVector nibbles) {
        IntVector lane = nibbles.and(LANES - 1);
        IntVector levels = lane.selectFrom(IntVector.fromArray(INTS, LEVELS, 0));
        for (int first = LANES; first < 16; first += LANES) {
            IntVector further = lane.selectFrom(IntVector.fromArray(INTS, LEVELS, first));
            levels = levels.blend(further, nibbles.compare(VectorOperators.GE, first));
        }
        return levels;
    }
}
