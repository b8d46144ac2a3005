package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.VectorWidth.INTS;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Doubled E2M1 values of nibbles; the magnitudes 0, 1, 2, 3, 4, 6, 8, 12 are themselves nibbles, of one int. */
final class E2M1Values {
    private static final int MAGNITUDES = 0xC864_3210;

    private E2M1Values() {}

    static FloatVector of(IntVector nibbles) {
        IntVector shift = nibbles.and(7).lanewise(VectorOperators.LSHL, 2);
        FloatVector magnitudes = Lanes.toFloats(IntVector.broadcast(INTS, MAGNITUDES).lanewise(VectorOperators.LSHR, shift).and(15));
        IntVector signs = nibbles.and(8).lanewise(VectorOperators.LSHL, 28);
        return magnitudes.reinterpretAsInts().or(signs).reinterpretAsFloats();
    }
}
