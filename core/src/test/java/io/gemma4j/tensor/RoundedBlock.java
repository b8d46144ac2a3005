package io.gemma4j.tensor;

import io.gemma4j.gguf.GgmlType;

/** One block rounded without any search: scales from the greatest magnitude or the range, every number to the nearest multiple. */
final class RoundedBlock {
    private RoundedBlock() {}

    /** The numbers that come back. */
    static float[] of(GgmlType type, float[] values) {
        float[] rounded = new float[values.length];
        switch (type) {
            case Q4_0 -> scaled(values, 0, values.length, half(magnitude(values, 0, values.length) / 7), 8, 7, rounded);
            case Q5_0 -> scaled(values, 0, values.length, half(magnitude(values, 0, values.length) / 15), 16, 15, rounded);
            case Q8_0 -> scaled(values, 0, values.length, half(magnitude(values, 0, values.length) / 127), 127, 127, rounded);
            case Q4_1 -> ranged(values, 15, rounded);
            case Q5_1 -> ranged(values, 31, rounded);
            case Q4_K -> pairs(values, 15, rounded);
            case Q5_K -> pairs(values, 31, rounded);
            case Q6_K -> signedScales(values, rounded);
            default -> throw new IllegalArgumentException(type.toString());
        }
        return rounded;
    }

    private static void ranged(float[] values, int highest, float[] rounded) {
        float low = least(values, 0, values.length);
        float d = half((-least(negated(values), 0, values.length) - low) / highest);
        float m = half(low);
        for (int i = 0; i < values.length; i++) {
            rounded[i] = d * quant((values[i] - m) / d, 0, highest) + m;
        }
    }

    private static void pairs(float[] values, int highest, float[] rounded) {
        float[] scales = new float[8];
        float[] mins = new float[8];
        float[] negated = negated(values);
        for (int group = 0; group < 8; group++) {
            mins[group] = -Math.min(0, least(values, 32 * group, 32));
            scales[group] = (-least(negated, 32 * group, 32) + mins[group]) / highest;
            scales[group] = Math.max(0, scales[group]);
        }
        float d = half(magnitude(scales, 0, 8) / 63);
        float dmin = half(magnitude(mins, 0, 8) / 63);
        for (int i = 0; i < values.length; i++) {
            float scale = d * quant(scales[i / 32] / d, 0, 63);
            float min = dmin * quant(mins[i / 32] / dmin, 0, 63);
            rounded[i] = scale * quant((values[i] + min) / scale, 0, highest) - min;
        }
    }

    private static void signedScales(float[] values, float[] rounded) {
        float[] scales = new float[16];
        for (int group = 0; group < 16; group++) {
            scales[group] = magnitude(values, 16 * group, 16) / 31;
        }
        float d = half(magnitude(scales, 0, 16) / 127);
        for (int group = 0; group < 16; group++) {
            scaled(values, 16 * group, 16, d * quant(scales[group] / d, -128, 127), 32, 31, rounded);
        }
    }

    private static void scaled(float[] values, int at, int count, float d, int levels, int highest, float[] rounded) {
        for (int i = at; i < at + count; i++) {
            rounded[i] = d * quant(values[i] / d, -levels, highest);
        }
    }

    /** The nearest integer in the range; 0 where a scale of 0 makes it no number. */
    private static int quant(float quotient, int low, int high) {
        return Math.clamp(Math.round(quotient), low, high);
    }

    private static float half(float value) {
        return Float.float16ToFloat(Float.floatToFloat16(value));
    }

    private static float magnitude(float[] values, int at, int count) {
        return -Math.min(least(values, at, count), least(negated(values), at, count));
    }

    private static float least(float[] values, int at, int count) {
        float least = values[at];
        for (int i = at; i < at + count; i++) {
            least = Math.min(least, values[i]);
        }
        return least;
    }

    private static float[] negated(float[] values) {
        float[] negated = values.clone();
        for (int i = 0; i < negated.length; i++) {
            negated[i] = -negated[i];
        }
        return negated;
    }
}
