package io.gemma4j.tensor;

/**
 * Approximates numbers by {@code d * q + m} with whole {@code q} from 0 to {@code highest}: finds {@code d} and {@code m} whose sum of squared
 * errors is least. For given {@code q} they are those of the regression line; the assignments tried are those of a grid of ranges around that of
 * the numbers, and the best one is then improved by turns. One block at a time: an instance keeps its result until the next.
 */
final class OffsetFit {
    private static final int MAX_TURNS = 8;
    /** By how many steps of the even grid either end of the range is moved inwards. */
    private static final float[] MOVES = {0, 0.6f, 1.2f};

    private final int highest;
    private final boolean positiveOffset;
    private float d;
    private float m;
    private double error;
    private float bestD;
    private float bestM;
    private double bestError;

    /** @param positiveOffset whether {@code m} may be greater than 0 */
    OffsetFit(int highest, boolean positiveOffset) {
        this.highest = highest;
        this.positiveOffset = positiveOffset;
    }

    /** The scale last found: positive, or 0 where one number stands for all. */
    float scale() {
        return bestD;
    }

    /** The offset last found. */
    float offset() {
        return bestM;
    }

    /** The nearest {@code q} to {@code x}. */
    int nearest(float x, float m, float inverse) {
        return Math.clamp((int) ((x - m) * inverse + 0.5f), 0, highest);
    }

    /** Finds scale and offset for {@code values[at]} and the {@code count - 1} that follow. */
    void fit(float[] values, int at, int count) {
        float low = values[at];
        float high = values[at];
        for (int i = at + 1; i < at + count; i++) {
            low = Math.min(low, values[i]);
            high = Math.max(high, values[i]);
        }
        low = positiveOffset ? low : Math.min(low, 0);
        bestD = 0;
        bestM = low;
        bestError = Double.MAX_VALUE;
        if (high - low <= Binary16.LEAST / 2) {
            return;
        }
        float step = (high - low) / highest;
        for (float up : MOVES) {
            for (float down : MOVES) {
                take(values, at, count, low + up * step, step * (highest - up - down) / highest);
            }
        }
        int turns = 0;
        while (bestD > 0 && turns < MAX_TURNS && take(values, at, count, bestM, bestD)) {
            turns++;
        }
    }

    /** Keeps the regression line through the values and their {@code q} nearest to the line given, if it is the best so far. */
    private boolean take(float[] values, int at, int count, float offset, float scale) {
        regress(values, at, count, offset, 1 / scale);
        if (error >= bestError) {
            return false;
        }
        bestError = error;
        bestD = d;
        bestM = m;
        return true;
    }

    /** The regression line through the values and their nearest {@code q}. */
    private void regress(float[] values, int at, int count, float offset, float inverse) {
        long sumQ = 0;
        long sumQQ = 0;
        double sumX = 0;
        double sumXQ = 0;
        double sumXX = 0;
        for (int i = at; i < at + count; i++) {
            float x = values[i];
            int q = nearest(x, offset, inverse);
            sumQ += q;
            sumQQ += (long) q * q;
            sumX += x;
            sumXQ += (double) x * q;
            sumXX += (double) x * x;
        }
        long determinant = count * sumQQ - sumQ * sumQ;
        double slope = determinant == 0 ? 0 : (count * sumXQ - sumQ * sumX) / determinant;
        double intercept = (sumX - slope * sumQ) / count;
        if (!positiveOffset && intercept > 0) {
            intercept = 0;
            slope = sumQQ == 0 ? 0 : sumXQ / sumQQ;
        }
        d = (float) slope;
        m = (float) intercept;
        error = sumXX - slope * sumXQ - intercept * sumX;
    }
}
