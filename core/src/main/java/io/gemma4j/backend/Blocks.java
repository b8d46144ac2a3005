package io.gemma4j.backend;

/**
 * The blocks of a layer. The defaults are compositions of {@link Operations} and read like the model's definition; a backend overrides a block
 * where one fused pass is faster, and must then give what the composition gives.
 */
public interface Blocks extends Operations {

    /** {@code hidden = embedding * scale}. */
    default void embedBlock(Weight table, float scale, Step step, Activations hidden) {
        embed(table, step, 0, scale, hidden);
    }

    /**
     * {@code out = (rmsNorm(projection(embedding) / sqrt(hidden)) * norm + table[token] * sqrt(width)) / sqrt(2)} for a run of layers.
     *
     * @param embedding {@code [rows][hidden]}, the input of the first layer
     * @param tokenPart scratch as wide as {@code out}
     * @param out {@code [rows][layers * width]}
     */
    default void perLayerInputBlock(PerLayerInputWeights w, float epsilon, Step step, Activations embedding, Activations tokenPart,
            Activations out) {
        int rows = step.rows();
        matmul(w.projection(), embedding, out, rows);
        scale(out, (float) (1 / Math.sqrt(embedding.width())), rows);
        rmsNorm(out, w.norm(), w.layers(), epsilon, out, rows);
        embed(w.table(), step, w.firstLayer() * w.width(), (float) Math.sqrt(w.width()), tokenPart);
        add(out, tokenPart, (float) Math.sqrt(0.5), rows);
    }

    /** {@code hidden += rmsNorm(attention(rmsNorm(hidden)))}; keys and values are stored where the layer owns them. */
    default void attentionBlock(AttentionWeights w, float epsilon, Step step, LayerScratch s) {
        int rows = step.rows();
        rmsNorm(s.hidden(), w.norm(), 1, epsilon, s.normed(), rows);
        matmul(w.query(), s.normed(), s.query(), rows);
        rmsNorm(s.query(), w.queryNorm(), w.heads(), epsilon, s.query(), rows);
        ropeHalfSplit(s.query(), step, w.rope());
        if (w.ownsKv()) {
            matmul(w.key(), s.normed(), s.key(), rows);
            if (w.value() != null) {
                matmul(w.value(), s.normed(), s.value(), rows);
            } else {
                // Without a value projection, values are the raw key projection: before its norm and its rotation.
                copy(s.key(), s.value(), rows);
            }
            rmsNorm(s.value(), null, w.kvHeads(), epsilon, s.value(), rows);
            rmsNorm(s.key(), w.keyNorm(), w.kvHeads(), epsilon, s.key(), rows);
            ropeHalfSplit(s.key(), step, w.rope());
            kvUpdate(s.key(), s.value(), step, w.owner());
        }
        attention(s.query(), step, w.owner(), w.heads(), w.window(), s.attended());
        matmul(w.output(), s.attended(), s.blockOut(), rows);
        addRmsNorm(s.blockOut(), w.postNorm(), epsilon, s.hidden(), rows);
    }

    /** {@code hidden += rmsNorm(down(geglu(gate(y), up(y))))}, {@code y = rmsNorm(hidden)}. */
    default void feedForwardBlock(FeedForwardWeights w, float epsilon, Step step, LayerScratch s) {
        feedForward(w, epsilon, step, s);
        addRmsNorm(s.blockOut(), w.postNorm(), epsilon, s.hidden(), step.rows());
    }

    /** The feed-forward block of a layer with routed experts beside the part that every token takes. */
    default void expertBlock(FeedForwardWeights shared, ExpertWeights w, float epsilon, Step step, LayerScratch s) {
        int rows = step.rows();
        LayerScratch.ExpertScratch e = s.experts();
        feedForward(shared, epsilon, step, s);
        rmsNorm(s.blockOut(), w.sharedPostNorm(), 1, epsilon, s.blockOut(), rows);

        rmsNorm(s.hidden(), w.routerNorm(), 1, epsilon, s.normed(), rows);
        matmul(w.router(), s.normed(), e.routerLogits(), rows);
        routeExperts(e.routerLogits(), w.scale(), e.routing(), rows);

        rmsNorm(s.hidden(), w.norm(), 1, epsilon, s.normed(), rows);
        if (w.gateUp() != null) {
            expertMatmul(w.gateUp(), s.normed(), false, e.routing(), e.gateUp(), rows);
        } else {
            expertMatmul(w.gate(), s.normed(), false, e.routing(), e.gate(), rows);
            expertMatmul(w.up(), s.normed(), false, e.routing(), e.up(), rows);
        }
        geglu(e.gate(), e.up(), e.gate(), rows * e.routing().expertsPerRow());
        expertMatmul(w.down(), e.gate(), true, e.routing(), e.down(), rows);
        combineExperts(e.down(), e.routing(), e.sum(), rows);
        rmsNorm(e.sum(), w.postNorm(), 1, epsilon, e.sum(), rows);

        add(s.blockOut(), e.sum(), 1, rows);
        addRmsNorm(s.blockOut(), shared.postNorm(), epsilon, s.hidden(), rows);
    }

    /** {@code hidden += rmsNorm(projection(geglu(gate(hidden), perLayerInput)))}. */
    default void perLayerEmbeddingBlock(PerLayerEmbeddingWeights w, float epsilon, Step step, LayerScratch s) {
        int rows = step.rows();
        matmul(w.gate(), s.hidden(), s.perLayerGate(), rows);
        geglu(s.perLayerGate(), s.perLayerInput(), s.perLayerGate(), rows);
        matmul(w.projection(), s.perLayerGate(), s.blockOut(), rows);
        addRmsNorm(s.blockOut(), w.postNorm(), epsilon, s.hidden(), rows);
    }

    /** {@code logits = softcap(output(rmsNorm(hidden)))} for the first {@code rows} rows. */
    default void headBlock(HeadWeights w, float epsilon, Activations hidden, Activations normed, Activations logits, int rows) {
        rmsNorm(hidden, w.norm(), 1, epsilon, normed, rows);
        matmul(w.output(), normed, logits, rows);
        if (w.softcap() > 0) {
            softcap(logits, w.softcap(), rows);
        }
    }

    private void feedForward(FeedForwardWeights w, float epsilon, Step step, LayerScratch s) {
        int rows = step.rows();
        rmsNorm(s.hidden(), w.norm(), 1, epsilon, s.normed(), rows);
        if (w.gateUp() != null) {
            matmul(w.gateUp(), s.normed(), s.gateUp(), rows);
        } else {
            matmul(w.gate(), s.normed(), s.gate(), rows);
            matmul(w.up(), s.normed(), s.up(), rows);
        }
        geglu(s.gate(), s.up(), s.gate(), rows);
        matmul(w.down(), s.gate(), s.blockOut(), rows);
    }
}
