package io.gemma4j.tensor;

/** Scales as blocks store them: in binary16, where small ones have few bits or none. */
final class Binary16 {
    /** The least positive number. */
    static final float LEAST = 0x1p-24f;

    private Binary16() {}

    /** The nearest number. */
    static float nearest(float value) {
        return Float.float16ToFloat(Float.floatToFloat16(value));
    }

    /** The next number after a binary16 number, away from zero for {@code step} 1 and towards it for -1, where zero stays. */
    static float neighbor(float value, int step) {
        return value == 0 && step < 0 ? value : Float.float16ToFloat((short) (Float.floatToFloat16(value) + step));
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
