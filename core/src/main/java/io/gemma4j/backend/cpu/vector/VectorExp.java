package io.gemma4j.backend.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The exponential function, within two units in the last place: {@code exp(x) = 2^n exp(r)} with {@code n = round(x / ln 2)} and the Taylor
 * polynomial of {@code exp} on {@code |r| <= ln(2) / 2}. Results below the smallest normal number become 0, those above the largest infinity.
 */
final class VectorExp {
    private static final VectorSpecies<Float> F = VectorWidth.FLOATS;
    private static final float LOG2_E = 1.44269504f;
    // ln 2 in two parts, the first with so few bits that n times it is exact
    private static final float LN2_HIGH = 0.693359375f;
    private static final float LN2_LOW = -2.12194440e-4f;
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer
    private static final float ROUND = 12582912f;
    // The largest and the smallest argument with a finite normal result
    private static final float OVERFLOW = 88.72283f;
    private static final float UNDERFLOW = -87.33654f;

    private VectorExp() {}

    static FloatVector exp(FloatVector x) {
        FloatVector clamped = x.min(OVERFLOW).max(UNDERFLOW);
        FloatVector rounded = clamped.mul(LOG2_E).add(ROUND);
        FloatVector n = rounded.sub(ROUND);
        FloatVector r = n.fma(FloatVector.broadcast(F, -LN2_HIGH), clamped);
        r = n.fma(FloatVector.broadcast(F, -LN2_LOW), r);
        FloatVector p = FloatVector.broadcast(F, 1f / 5040);
        p = p.fma(r, FloatVector.broadcast(F, 1f / 720));
        p = p.fma(r, FloatVector.broadcast(F, 1f / 120));
        p = p.fma(r, FloatVector.broadcast(F, 1f / 24));
        p = p.fma(r, FloatVector.broadcast(F, 1f / 6));
        p = p.fma(r, FloatVector.broadcast(F, 0.5f));
        p = p.fma(r, FloatVector.broadcast(F, 1));
        p = p.fma(r, FloatVector.broadcast(F, 1));
        // n is in the low bits of the rounded number, with zeros above: moved up, it is added to the exponent of p.
        IntVector exponent = rounded.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
        FloatVector result = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
        result = result.blend(0f, x.lt(UNDERFLOW));
        // What is not below the limit is too large or not a number.
        return x.mul(Float.POSITIVE_INFINITY).blend(result, x.compare(VectorOperators.LE, OVERFLOW));
    }
}
