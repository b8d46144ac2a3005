package io.gemma4j.metal;

import java.util.List;

/**
 * The addition of a block's result to the residual, held back until it is known what reads the residual next: one pass then also makes the
 * input of the next block's projections. Used by one thread at a time.
 */
final class ResidualUpdate {
    private final MetalStream stream;
    private final MetalNorm norms;
    private Held held;

    ResidualUpdate(MetalStream stream, MetalNorm norms) {
        this.stream = stream;
        this.norms = norms;
    }

    // residual = (residual + rms(in) * norm) * scale; where there is a second branch, in is the sum of the norms of both
    private record Held(MetalNorm.Weighted first, MetalNorm.Weighted second, BufferSlice norm, MetalRows in, float epsilon, MetalRows residual,
                        float scale, int rows) {}

    /** Holds {@code residual += rms(in) * norm} back. */
    void hold(MetalRows in, BufferSlice norm, float epsilon, MetalRows residual, int rows) {
        settle();
        held = new Held(null, null, norm, in, epsilon, residual, 1, rows);
    }

    /** Holds {@code residual += rms(rms(first) * its norm + rms(second) * its norm) * norm} back. */
    void holdTwoBranches(MetalNorm.Weighted first, MetalNorm.Weighted second, BufferSlice norm, float epsilon, MetalRows residual, int rows) {
        settle();
        held = new Held(first, second, norm, null, epsilon, residual, 1, rows);
    }

    /** Scales the residual together with what is held back; false where nothing is held back for it. */
    boolean scale(MetalRows residual, float factor, int rows) {
        if (held == null || !held.residual().equals(residual) || held.rows() != rows) {
            return false;
        }
        held = new Held(held.first(), held.second(), held.norm(), held.in(), held.epsilon(), held.residual(), held.scale() * factor, rows);
        return true;
    }

    /** {@code next.rows = rms(residual) * next.norm} for each of {@code next}, after what is held back. */
    void norm(MetalRows residual, float epsilon, List<MetalNorm.Weighted> next, int rows) {
        boolean together = held != null && held.residual().equals(residual) && held.rows() == rows && held.epsilon() == epsilon;
        if (together) {
            apply(next);
            return;
        }
        settle();
        for (MetalNorm.Weighted each : next) {
            norms.rmsNorm(stream, residual, each.norm(), 1, epsilon, each.rows(), rows);
        }
    }

    /** Does what is held back, if anything. */
    void settle() {
        if (held != null) {
            apply(List.of());
        }
    }

    /** Gives up what is held back: its step has failed. */
    void forget() {
        held = null;
    }

    private void apply(List<MetalNorm.Weighted> next) {
        Held update = held;
        held = null;
        if (update.second() == null) {
            norms.addRmsNorm(stream, update.in(), update.norm(), update.epsilon(), update.residual(), update.scale(), next, update.rows());
        } else {
            norms.addTwoBranches(stream, update.first(), update.second(), update.norm(), update.epsilon(), update.residual(), update.scale(), next,
                    update.rows());
        }
    }
}
