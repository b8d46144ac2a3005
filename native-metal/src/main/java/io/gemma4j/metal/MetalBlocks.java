package io.gemma4j.metal;

import io.gemma4j.backend.AttentionWeights;
import io.gemma4j.backend.ExpertWeights;
import io.gemma4j.backend.FeedForwardWeights;
import io.gemma4j.backend.LayerScratch;
import io.gemma4j.backend.PerLayerEmbeddingWeights;
import io.gemma4j.backend.Weight;
import io.gemma4j.backend.Activations;
import java.util.List;

/**
 * Blocks of a layer in fewer passes than their operations: norms of queries, keys and values together with rotation and the cache, gate and up
 * projections together with their product, and each addition to the residual together with the next norm. Used by one thread at a time.
 */
final class MetalBlocks {
    private final MetalStream stream;
    private final MetalMatmul matmul;
    private final MetalMatvec matvec;
    private final MetalElementwise elementwise;
    private final MetalAttention attention;
    private final MetalRope rope;
    private final MetalExperts experts;
    private final ResidualUpdate residual;

    MetalBlocks(MetalStream stream, MetalMatmul matmul, MetalMatvec matvec, MetalElementwise elementwise, MetalAttention attention, MetalRope rope,
            MetalExperts experts, ResidualUpdate residual) {
        this.stream = stream;
        this.matmul = matmul;
        this.matvec = matvec;
        this.elementwise = elementwise;
        this.attention = attention;
        this.rope = rope;
        this.experts = experts;
        this.residual = residual;
    }

    private static MetalRows floats(Activations activations) {
        return ((MetalActivations) activations).floats();
    }

    private static BufferSlice vector(Weight weight) {
        return ((MetalWeight) weight).vector();
    }

    private static MetalNorm.Weighted weighted(Activations rows, Weight norm) {
        return new MetalNorm.Weighted(floats(rows), vector(norm));
    }

    /** {@code out = weight * in} for each part of the weight. */
    void multiply(Weight weight, Activations in, Activations out, int rows) {
        for (MetalWeight.Part part : ((MetalWeight) weight).parts()) {
            matmul.multiply(stream, part.matrix(), floats(in), floats(out.columns(part.firstRow(), part.matrix().rows())), rows);
        }
    }

    void attention(AttentionWeights w, float epsilon, StepInputs.Entry inputs, LayerScratch s, int rows) {
        residual.norm(floats(s.hidden()), epsilon, List.of(weighted(s.normed(), w.norm())), rows);
        multiply(w.query(), s.normed(), s.query(), rows);
        // Without a value projection, values are the raw key projection.
        Activations values = w.value() == null ? s.key() : s.value();
        if (w.ownsKv()) {
            multiply(w.key(), s.normed(), s.key(), rows);
            if (w.value() != null) {
                multiply(w.value(), s.normed(), s.value(), rows);
            }
        }
        MetalAttention.Inputs norms = new MetalAttention.Inputs(vector(w.queryNorm()), w.ownsKv() ? vector(w.keyNorm()) : null, rope.turns(w.rope()), epsilon);
        for (StepInputs.Span span : inputs.spans()) {
            int first = span.firstRow();
            int count = span.positions().rows();
            MetalKvSlots slots = span.slots(w.owner());
            MetalRows queries = floats(s.query()).from(first);
            BufferSlice positions = inputs.positions().from((long) first * Integer.BYTES);
            attention.inputs(stream, norms, queries, w.ownsKv() ? floats(s.key()).from(first) : null, w.ownsKv() ? floats(values).from(first) : null,
                    positions, w.heads(), slots, count);
        }
        attention.attention(stream, floats(s.query()), inputs.sequences(w.owner()), w.heads(), w.window(), floats(s.attended()));
        multiply(w.output(), s.attended(), s.blockOut(), rows);
        residual.hold(floats(s.blockOut()), vector(w.postNorm()), epsilon, floats(s.hidden()), rows);
    }

    void feedForward(FeedForwardWeights w, float epsilon, LayerScratch s, int rows) {
        residual.norm(floats(s.hidden()), epsilon, List.of(weighted(s.normed(), w.norm())), rows);
        gatedProjection(w, s, rows);
        residual.hold(floats(s.blockOut()), vector(w.postNorm()), epsilon, floats(s.hidden()), rows);
    }

    // blockOut = down(geluTanh(gate(normed)) * up(normed))
    private void gatedProjection(FeedForwardWeights w, LayerScratch s, int rows) {
        int width = s.gate().width();
        if (rows <= MetalMatmul.MATVEC_ROWS && (w.gateUp() != null || w.gate().type() == w.up().type())) {
            MetalMatrix gate = w.gateUp() == null ? ((MetalWeight) w.gate()).matrix() : ((MetalWeight) w.gateUp()).rows(0, width);
            MetalMatrix up = w.gateUp() == null ? ((MetalWeight) w.up()).matrix() : ((MetalWeight) w.gateUp()).rows(width, width);
            matvec.geglu(stream, gate, up, floats(s.normed()), floats(s.gate()), rows);
        } else {
            if (w.gateUp() != null) {
                multiply(w.gateUp(), s.normed(), s.gateUp(), rows);
            } else {
                multiply(w.gate(), s.normed(), s.gate(), rows);
                multiply(w.up(), s.normed(), s.up(), rows);
            }
            elementwise.geglu(stream, floats(s.gate()), floats(s.up()), floats(s.gate()), rows);
        }
        multiply(w.down(), s.gate(), s.blockOut(), rows);
    }

    void experts(FeedForwardWeights shared, ExpertWeights w, float epsilon, LayerScratch s, int rows) {
        LayerScratch.ExpertScratch e = s.experts();
        // Memory of results that come later holds the inputs of router and experts.
        residual.norm(floats(s.hidden()), epsilon,
                List.of(weighted(s.normed(), shared.norm()), weighted(e.sum(), w.routerNorm()), weighted(e.down(), w.norm())), rows);
        multiply(w.router(), e.sum(), e.routerLogits(), rows);
        MetalExperts.Slots slots = ((MetalRouting) e.routing()).slots();
        experts.route(stream, floats(e.routerLogits()), vector(w.scale()), slots, rows);
        gatedProjection(shared, s, rows);
        gatedExperts(w, e, slots, rows);
        experts.multiply(stream, matrices(w.down(), e.down().width(), 0, e.down().width()), floats(e.gate()), 1, slots, floats(e.down()), rows);
        experts.combine(stream, floats(e.down()), slots, floats(e.sum()), rows);
        residual.holdTwoBranches(weighted(s.blockOut(), w.sharedPostNorm()), weighted(e.sum(), w.postNorm()), vector(shared.postNorm()), epsilon,
                floats(s.hidden()), rows);
    }

    // gate = geluTanh(gate(in)) * up(in) of each slot's expert
    private void gatedExperts(ExpertWeights w, LayerScratch.ExpertScratch e, MetalExperts.Slots slots, int rows) {
        int width = e.gate().width();
        boolean joined = w.gateUp() != null;
        MetalExperts.Matrices gate = joined ? matrices(w.gateUp(), 2 * width, 0, width) : matrices(w.gate(), width, 0, width);
        MetalExperts.Matrices up = joined ? matrices(w.gateUp(), 2 * width, width, width) : matrices(w.up(), width, 0, width);
        MetalRows in = floats(e.down());
        if (MetalExperts.fewSlots(rows * slots.perRow()) && gate.first().type() == up.first().type()) {
            experts.gatedMultiply(stream, gate, up, in, slots.perRow(), slots, floats(e.gate()), rows);
            return;
        }
        if (joined) {
            experts.multiply(stream, matrices(w.gateUp(), 2 * width, 0, 2 * width), in, slots.perRow(), slots, floats(e.gateUp()), rows);
        } else {
            experts.multiply(stream, gate, in, slots.perRow(), slots, floats(e.gate()), rows);
            experts.multiply(stream, up, in, slots.perRow(), slots, floats(e.up()), rows);
        }
        elementwise.geglu(stream, floats(e.gate()), floats(e.up()), floats(e.gate()), rows * slots.perRow());
    }

    /** Rows {@code [first, first + count)} of each expert, which has {@code expertRows}. */
    static MetalExperts.Matrices matrices(Weight experts, int expertRows, int first, int count) {
        return new MetalExperts.Matrices(((MetalWeight) experts).rows(first, count), expertRows);
    }

    void perLayerEmbedding(PerLayerEmbeddingWeights w, float epsilon, LayerScratch s, int rows) {
        residual.settle();
        if (rows <= MetalMatmul.MATVEC_ROWS) {
            matvec.geluTimes(stream, ((MetalWeight) w.gate()).matrix(), floats(s.hidden()), floats(s.perLayerInput()), floats(s.perLayerGate()), rows);
        } else {
            multiply(w.gate(), s.hidden(), s.perLayerGate(), rows);
            elementwise.geglu(stream, floats(s.perLayerGate()), floats(s.perLayerInput()), floats(s.perLayerGate()), rows);
        }
        multiply(w.projection(), s.perLayerGate(), s.blockOut(), rows);
        residual.hold(floats(s.blockOut()), vector(w.postNorm()), epsilon, floats(s.hidden()), rows);
    }
}
