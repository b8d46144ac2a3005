package io.gemma4j.backend;

/**
 * Activations a layer works with, as wide as this layer needs them. All layers share the memory; a block leaves only {@code hidden} behind.
 *
 * @param hidden the residual
 * @param normed input of a block's projections
 * @param query all query heads
 * @param key all key heads
 * @param value all value heads
 * @param attended result of attention, all query heads
 * @param gate first half of {@code gateUp}
 * @param up second half of {@code gateUp}
 * @param gateUp gate and up beside each other
 * @param blockOut a block's result
 * @param perLayerInput this layer's part of the per-layer embeddings; null in models without
 * @param perLayerGate as wide as that; null in models without
 * @param experts null in models without
 */
public record LayerScratch(Activations hidden, Activations normed, Activations query, Activations key, Activations value, Activations attended,
        Activations gateUp, Activations gate, Activations up, Activations blockOut, Activations perLayerInput, Activations perLayerGate,
        ExpertScratch experts) {

    /**
     * Activations of routed experts.
     *
     * @param routerLogits {@code [rows][experts]}
     * @param routing choice of each row
     * @param gateUp {@code [rows * expertsPerRow][2 * width]}
     * @param gate first half of {@code gateUp}
     * @param up second half of {@code gateUp}
     * @param down {@code [rows * expertsPerRow][hidden]}
     * @param sum {@code [rows][hidden]}
     */
    public record ExpertScratch(Activations routerLogits, Routing routing, Activations gateUp, Activations gate, Activations up, Activations down,
            Activations sum) {}
}
