package io.gemma4j.backend.cpu;

import io.gemma4j.backend.RopeFrequencies;
import io.gemma4j.backend.Step;

/** Cosines and sines of the angles of a step's rows, computed once and used by every layer of that step. */
final class RopeAngles {
    private final double[] frequencies;
    private Step step;
    private float[] cos = {};
    private float[] sin = {};

    RopeAngles(RopeFrequencies rope) {
        frequencies = rope.inverseFrequencies();
    }

    void prepare(Step current) {
        if (current == step) {
            return;
        }
        int pairs = frequencies.length;
        if (cos.length < current.rows() * pairs) {
            cos = new float[current.rows() * pairs];
            sin = new float[current.rows() * pairs];
        }
        for (int row = 0; row < current.rows(); row++) {
            for (int i = 0; i < pairs; i++) {
                // In double precision: at position 100,000 a float angle would be off by a hundredth.
                double angle = current.position(row) * frequencies[i];
                cos[row * pairs + i] = (float) Math.cos(angle);
                sin[row * pairs + i] = (float) Math.sin(angle);
            }
        }
        step = current;
    }

    /** Element {@code row * pairs + i}. */
    float[] cos() {
        return cos;
    }

    /** Element {@code row * pairs + i}. */
    float[] sin() {
        return sin;
    }
}
