package io.gemma4j.tensor;

/**
 * Approximates numbers by {@code d * q} with whole {@code q} from {@code -levels} to {@code highest}: finds the scale {@code d}, of either sign,
 * whose sum of squared errors is least. For given {@code q} the best {@code d} is {@code sum(x q) / sum(q q)}; the assignments tried are those of
 * a grid of scales around the one that maps the greatest magnitude to {@code levels}, and the best one is then improved by turns.
 */
final class ScaleFit {
    private static final int MAX_TURNS = 8;

    private final int levels;
    private final int highest;
    private final float[] extremes;

    /**
     * A fit that maps the greatest magnitude to one number after the other.
     *
     * @param levels least {@code q}, negated
     * @param highest greatest {@code q}
     * @param from the first number
     * @param step from one to the next
     * @param tries how many
     */
    ScaleFit(int levels, int highest, float from, float step, int tries) {
        this.levels = levels;
        this.highest = highest;
        this.extremes = new float[tries];
        for (int i = 0; i < tries; i++) {
            extremes[i] = from + i * step;
        }
    }

    /** The greatest {@code q}. */
    int highest() {
        return highest;
    }

    /** The nearest {@code q} to {@code x} in units of {@code 1 / inverse}. */
    int nearest(float x, float inverse) {
        return Math.clamp((int) (x * inverse + (levels + 0.5f)), 0, levels + highest) - levels;
    }

    /** The scale for {@code values[at]} and the {@code count - 1} that follow; 0 if all of them are too small for any. */
    float scale(float[] values, int at, int count) {
        float magnitude = Binary16.magnitude(values, at, count);
        if (magnitude <= Binary16.LEAST / 2) {
            return 0;
        }
        Sums best = new Sums();
        Sums tried = new Sums();
        for (float extreme : extremes) {
            // Where there are as many numbers below zero as above, the sign makes no difference.
            for (int sign = levels == highest ? 1 : -1; sign <= 1; sign += 2) {
                tried.take(values, at, count, sign * extreme / magnitude);
                if (tried.gain() > best.gain()) {
                    best.set(tried);
                }
            }
        }
        for (int turn = 0; turn < MAX_TURNS; turn++) {
            tried.take(values, at, count, 1 / best.scale());
            if (tried.gain() <= best.gain()) {
                break;
            }
            best.set(tried);
        }
        return best.scale();
    }

    /** Sum of squared errors when {@code d} is the scale. */
    double error(float[] values, int at, int count, float d) {
        float inverse = Binary16.inverse(d);
        double error = 0;
        for (int i = at; i < at + count; i++) {
            double difference = values[i] - d * nearest(values[i], inverse);
            error += difference * difference;
        }
        return error;
    }

    /** What an assignment of {@code q} to all values amounts to. */
    private final class Sums {
        private double products;
        private int squares;

        void take(float[] values, int at, int count, float inverse) {
            products = 0;
            squares = 0;
            for (int i = at; i < at + count; i++) {
                int q = nearest(values[i], inverse);
                products += (double) values[i] * q;
                squares += q * q;
            }
        }

        void set(Sums other) {
            products = other.products;
            squares = other.squares;
        }

        /** By how much the best scale for this assignment lowers the sum of squares; more is better. */
        double gain() {
            return squares == 0 ? 0 : products * products / squares;
        }

        float scale() {
            return squares == 0 ? 0 : (float) (products / squares);
        }
    }
}
