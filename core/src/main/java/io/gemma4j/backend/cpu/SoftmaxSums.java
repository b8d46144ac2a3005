package io.gemma4j.backend.cpu;

import io.gemma4j.backend.cpu.kernel.FloatKernels;
import java.util.Arrays;

/**
 * Softmax-weighted sums of values over a part of the keys, one entry for each query: the greatest score so far, the sum of {@code exp(score - max)},
 * and the values summed with those weights. Entries of several parts are merged when each is complete. Memory grows to what is asked for and stays.
 */
final class SoftmaxSums {
    float[] max = {};
    float[] sum = {};
    /** {@code [entry][width]}. */
    float[] values = {};
    private final FloatKernels floats;
    private int width;

    SoftmaxSums(FloatKernels floats) {
        this.floats = floats;
    }

    /** Makes room for entries of {@code valueWidth} elements; all are undefined afterwards. */
    void reserve(int entries, int valueWidth) {
        width = valueWidth;
        if (max.length < entries) {
            max = new float[entries];
            sum = new float[entries];
        }
        if (values.length < entries * valueWidth) {
            values = new float[entries * valueWidth];
        }
    }

    /** Makes entries those of no key. */
    void clear(int first, int count) {
        Arrays.fill(max, first, first + count, Float.NEGATIVE_INFINITY);
        Arrays.fill(sum, first, first + count, 0);
        Arrays.fill(values, first * width, (first + count) * width, 0);
    }

    /** Expresses an entry by a greater maximum. */
    void raise(int entry, float newMax) {
        float correction = (float) Math.exp(max[entry] - newMax);
        max[entry] = newMax;
        sum[entry] *= correction;
        floats.scale(correction, values, entry * width, width);
    }

    /** Writes the softmax of {@code parts} entries together, {@code step} apart, always in that order. */
    void write(int first, int step, int parts, float[] out, int outOffset) {
        float greatest = Float.NEGATIVE_INFINITY;
        for (int part = 0; part < parts; part++) {
            greatest = Math.max(greatest, max[first + part * step]);
        }
        double total = 0;
        for (int part = 0; part < parts; part++) {
            total += sum[first + part * step] * Math.exp(max[first + part * step] - greatest);
        }
        Arrays.fill(out, outOffset, outOffset + width, 0);
        for (int part = 0; part < parts; part++) {
            int entry = first + part * step;
            float weight = (float) (Math.exp(max[entry] - greatest) / total);
            // A part none of whose keys the query sees weighs nothing.
            if (weight != 0) {
                floats.addScaled(weight, values, entry * width, out, outOffset, width);
            }
        }
    }
}
