package io.gemma4j.tensor;

/** Scales as blocks store them: in binary16, where small ones have few bits or none. */
final class Binary16 {
    /** The least positive number. */
    static final float LEAST = 0x1p-24f;

    /** The greatest finite number. */
    static final float GREATEST = 65504;

    private Binary16() {}

    /** The nearest finite number. */
    static float nearest(float value) {
        return Float.float16ToFloat(Float.floatToFloat16(Math.clamp(value, -GREATEST, GREATEST)));
    }

    /** The nearest number that is not nearer to zero. */
    static float outward(float value) {
        float nearest = nearest(value);
        return Math.abs(nearest) < Math.abs(value) ? neighbor(nearest, 1) : nearest;
    }

    /**
     * The next number after a binary16 number, away from zero for {@code step} 1 and towards it for -1, the number itself for 0 and where
     * there is no next finite one.
     */
    static float neighbor(float value, int step) {
        boolean last = value == 0 && step < 0 || Math.abs(value) == GREATEST && step > 0;
        return last ? value : Float.float16ToFloat((short) (Float.floatToFloat16(value) + step));
    }

    /** {@code 1 / scale}, and 0 for a scale of 0, which makes every number 0. */
    static float inverse(float scale) {
        return scale == 0 ? 0 : 1 / scale;
    }

    /** The greatest magnitude among {@code values[at]} and the {@code count - 1} that follow. */
    static float magnitude(float[] values, int at, int count) {
        float magnitude = 0;
        for (int i = at; i < at + count; i++) {
            magnitude = Math.max(magnitude, Math.abs(values[i]));
        }
        return magnitude;
    }
}
