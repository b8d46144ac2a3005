package io.gemma4j.cuda;

import io.gemma4j.backend.AttentionWeights;
import io.gemma4j.backend.ExpertWeights;
import io.gemma4j.backend.FeedForwardWeights;
import io.gemma4j.backend.LayerScratch;
import io.gemma4j.backend.Step;
import io.gemma4j.backend.Weight;
import io.gemma4j.gguf.GgmlType;
import java.util.stream.Stream;

/**
 * The blocks of a step of several rows: norms are part of preparing a product's input, and GEGLU is the end of the product with gate and up. Each block answers
 * whether there are kernels for its weights; if not, it has done nothing. Used by one thread at a time. Owns no memory.
 */
final class PrefillBlocks {
    // Where weights are decoded to memory, fewer rows are read faster by mat-vecs.
    private static final int MIN_ROWS = 5;

    private final PanelProducts products;
    private final CudaMatmul matmul;
    private final CudaElementwise elementwise;
    private final CudaAttention attention;
    private final FlashAttention flash;
    private final WeightStore weights;

    PrefillBlocks(CudaMatmul matmul, CudaElementwise elementwise, CudaAttention attention, FlashAttention flash, WeightStore weights) {
        this.products = matmul.panels();
        this.matmul = matmul;
        this.elementwise = elementwise;
        this.attention = attention;
        this.flash = flash;
        this.weights = weights;
    }

    private static DevicePointer vector(Weight weight) {
        return weight == null ? DevicePointer.NULL : ((CudaWeight) weight).vector();
    }

    /** Whether the tensor cores take these weights; 32-bit ones keep their precision elsewhere. */
    private static boolean onTensorCores(Weight... matrices) {
        return Stream.of(matrices).allMatch(matrix -> matrix != null && ((CudaWeight) matrix).storedType() != GgmlType.F32);
    }

    /** Whether a step of one row can read gate and up alternating, too. */
    private static boolean paired(Weight gateUp, Weight down, int matrices, CudaActivations hidden) {
        return onTensorCores(gateUp, down) && hidden.width() <= DecodeBlocks.MAX_HIDDEN && inTiles(gateUp, 4 * TileLayout.ROWS * matrices)
                && inTiles(down, TileLayout.ROWS * matrices);
    }

    private static boolean inTiles(Weight matrix, int rowUnit) {
        return matrix != null && ((CudaWeight) matrix).tiles() != null && matrix.rows() % rowUnit == 0;
    }

    boolean attentionBlock(AttentionWeights w, float epsilon, Step step, StepInputs inputs, LayerScratch s) {
        int rows = step.rows();
        if (rows < MIN_ROWS && !FewRowProducts.take((CudaWeight) w.output(), rows)) {
            return false;
        }
        if (!onTensorCores(w.query(), w.output()) || w.ownsKv() && !onTensorCores(w.key()) || w.value() != null && !onTensorCores(w.value())) {
            return false;
        }
        CudaActivations query = (CudaActivations) s.query();
        CudaActivations key = (CudaActivations) s.key();
        CudaActivations value = (CudaActivations) s.value();
        HalfPanel normed = products.normedInput((CudaActivations) s.hidden(), vector(w.norm()), epsilon, rows);
        products.multiply((CudaWeight) w.query(), normed, query);
        if (w.ownsKv()) {
            products.multiply((CudaWeight) w.key(), normed, key);
            if (w.value() != null) {
                products.multiply((CudaWeight) w.value(), normed, value);
            }
        }
        HalfPanel attended;
        if (flash.supports(w, step)) {
            attended = products.emptyInput(rows, w.heads() * w.headDim());
            flash.attend(w, epsilon, step, inputs, query, key, value, attended);
        } else {
            attended = attend(w, epsilon, step, inputs, s);
        }
        products.multiply((CudaWeight) w.output(), attended, (CudaActivations) s.blockOut());
        addToResidual(s, w.postNorm(), epsilon, rows);
        return true;
    }

    /** From projections to attended heads, of any sequences and any cache. */
    private HalfPanel attend(AttentionWeights w, float epsilon, Step step, StepInputs inputs, LayerScratch s) {
        int rows = step.rows();
        CudaActivations query = (CudaActivations) s.query();
        CudaActivations key = (CudaActivations) s.key();
        CudaActivations value = (CudaActivations) s.value();
        if (w.ownsKv()) {
            if (w.value() == null) {
                elementwise.copy(key, value, rows);
            }
            elementwise.rmsNorm(value, null, w.kvHeads(), epsilon, value, rows);
            elementwise.rmsNorm(key, vector(w.keyNorm()), w.kvHeads(), epsilon, key, rows);
            elementwise.ropeHalfSplit(key, inputs, w.rope(), rows);
            attention.kvUpdate(key, value, step, inputs, w.owner());
        }
        elementwise.rmsNorm(query, vector(w.queryNorm()), w.heads(), epsilon, query, rows);
        elementwise.ropeHalfSplit(query, inputs, w.rope(), rows);
        CudaActivations attended = (CudaActivations) s.attended();
        attention.attention(query, step, inputs, w.owner(), w.heads(), w.window(), attended);
        return products.input(attended, attended.width(), rows);
    }

    boolean feedForwardBlock(FeedForwardWeights w, float epsilon, Step step, LayerScratch s) {
        if (!paired(w.gateUp(), w.down(), 1, (CudaActivations) s.hidden())) {
            return false;
        }
        feedForward(w, epsilon, step.rows(), s);
        addToResidual(s, w.postNorm(), epsilon, step.rows());
        return true;
    }

    /** Up to the product with the down projection, which is written to {@code s.blockOut()}. */
    private void feedForward(FeedForwardWeights w, float epsilon, int rows, LayerScratch s) {
        CudaWeight gateUp = (CudaWeight) w.gateUp();
        weights.pair(gateUp, 1);
        HalfPanel gated = products.geglu(gateUp, products.normedInput((CudaActivations) s.hidden(), vector(w.norm()), epsilon, rows));
        products.multiply((CudaWeight) w.down(), gated, (CudaActivations) s.blockOut());
    }

    boolean expertBlock(FeedForwardWeights shared, ExpertWeights w, float epsilon, Step step, LayerScratch s) {
        CudaActivations hidden = (CudaActivations) s.hidden();
        int experts = Math.toIntExact(w.router().rows());
        if (!paired(shared.gateUp(), shared.down(), 1, hidden) || !paired(w.gateUp(), w.down(), experts, hidden) || !inTiles(w.router(), 1)) {
            return false;
        }
        int rows = step.rows();
        CudaActivations out = (CudaActivations) s.blockOut();
        feedForward(shared, epsilon, rows, s);
        elementwise.rmsNorm(out, vector(w.sharedPostNorm()), 1, epsilon, out, rows);

        LayerScratch.ExpertScratch e = s.experts();
        CudaRouting routing = (CudaRouting) e.routing();
        CudaActivations normed = (CudaActivations) s.normed();
        elementwise.rmsNorm(hidden, vector(w.routerNorm()), 1, epsilon, normed, rows);
        matmul.matmul((CudaWeight) w.router(), normed, (CudaActivations) e.routerLogits(), rows);
        matmul.routeExperts((CudaActivations) e.routerLogits(), vector(w.scale()), routing, rows);

        CudaWeight gateUp = (CudaWeight) w.gateUp();
        weights.pair(gateUp, experts);
        int slots = rows * routing.expertsPerRow();
        HalfPanel sorted = products.sortedNormedInput(hidden, vector(w.norm()), epsilon, routing, slots, experts);
        HalfPanel gated = products.gegluExperts(gateUp, experts, sorted, routing, slots);
        products.multiplyExperts((CudaWeight) w.down(), gated, routing, slots, (CudaActivations) e.down());
        CudaActivations sum = (CudaActivations) e.sum();
        matmul.combineExperts((CudaActivations) e.down(), routing, sum, rows);
        elementwise.rmsNorm(sum, vector(w.postNorm()), 1, epsilon, sum, rows);
        elementwise.add(out, sum, 1, rows);
        addToResidual(s, shared.postNorm(), epsilon, rows);
        return true;
    }

    private void addToResidual(LayerScratch s, Weight postNorm, float epsilon, int rows) {
        elementwise.addRmsNorm((CudaActivations) s.blockOut(), vector(postNorm), epsilon, (CudaActivations) s.hidden(), rows);
    }
}
