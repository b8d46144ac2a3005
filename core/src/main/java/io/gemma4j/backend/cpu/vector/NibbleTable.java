package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.VectorWidth.INTS;
import static io.gemma4j.backend.cpu.vector.VectorWidth.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** The sixteen values that a nibble can stand for; they fill one vector of 16 lanes, two of 8 or four of 4. Immutable and thread-safe. */
final class NibbleTable {
    private final int[] floatBits = new int[16];

    NibbleTable(Value value) {
        for (int q = 0; q < 16; q++) {
            floatBits[q] = Float.floatToRawIntBits(value.of(q));
        }
    }

    /** What a nibble stands for. */
    interface Value {
        float of(int nibble);
    }

    FloatVector of(IntVector nibbles) {
        IntVector lane = nibbles.and(LANES - 1);
        IntVector values = lane.selectFrom(IntVector.fromArray(INTS, floatBits, 0));
        for (int first = LANES; first < 16; first += LANES) {
            IntVector further = lane.selectFrom(IntVector.fromArray(INTS, floatBits, first));
            values = values.blend(further, nibbles.compare(VectorOperators.GE, first));
        }
        return values.reinterpretAsFloats();
    }
}
