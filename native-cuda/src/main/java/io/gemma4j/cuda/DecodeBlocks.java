package io.gemma4j.cuda;

import io.gemma4j.backend.AttentionWeights;
import io.gemma4j.backend.ExpertWeights;
import io.gemma4j.backend.FeedForwardWeights;
import io.gemma4j.backend.HeadWeights;
import io.gemma4j.backend.LayerScratch;
import io.gemma4j.backend.PerLayerEmbeddingWeights;
import io.gemma4j.backend.PerLayerInputWeights;
import io.gemma4j.backend.Step;
import io.gemma4j.backend.Weight;
import io.gemma4j.cuda.CudaMatvec.Experts;
import io.gemma4j.cuda.CudaMatvec.Maxima;
import io.gemma4j.cuda.CudaMatvec.Planes;
import io.gemma4j.cuda.CudaMatvec.Residual;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The blocks of a step of one row, in few kernels. What a block adds to the residual stays apart until the next kernel that needs the residual,
 * which completes it on the way; so {@link #settle} has to be called before anything else reads or changes the residual. Each block answers
 * whether there are kernels for its weights; if not, it has done nothing. Used by one thread at a time. Closing frees its memory.
 */
final class DecodeBlocks implements AutoCloseable {
    /** Widest residual that fits into the shared memory of a mat-vec beside its weights. */
    static final int MAX_HIDDEN = 6144;
    private static final Addition NOTHING = new Addition(Planes.NONE, DevicePointer.NULL, Planes.NONE, DevicePointer.NULL, DevicePointer.NULL);

    private final CudaMatvec matvec;
    private final CudaMatmul matmul;
    private final CudaElementwise elementwise;
    private final CudaAttention attention;
    private final WeightStore weights;
    private final int multiprocessors;
    private final ScratchMemory otherHidden;
    private final ScratchMemory projected;
    private final ScratchMemory attended;
    private final ScratchMemory widened;
    private final ScratchMemory added;
    private final ScratchMemory blockMaxima;
    private final Map<AttentionWeights, List<TileMatrix>> projections = new IdentityHashMap<>();

    private CudaActivations hidden;
    private DevicePointer current;
    private Addition addition = NOTHING;
    private float scale = 1;
    private float epsilon;
    private Maxima headMaxima;

    /** What is still to be added to the residual: {@link Residual} has the formula. */
    private record Addition(Planes branch, DevicePointer branchNorm, Planes other, DevicePointer otherNorm, DevicePointer postNorm) {}

    DecodeBlocks(CudaContext context, CudaMatvec matvec, CudaMatmul matmul, CudaElementwise elementwise, CudaAttention attention,
            WeightStore weights, Runnable onMove) {
        this.matvec = matvec;
        this.matmul = matmul;
        this.elementwise = elementwise;
        this.attention = attention;
        this.weights = weights;
        multiprocessors = context.device().multiprocessors();
        otherHidden = new ScratchMemory(context, "the residual", onMove);
        projected = new ScratchMemory(context, "queries, keys and values", onMove);
        attended = new ScratchMemory(context, "results of attention", onMove);
        widened = new ScratchMemory(context, "gated activations", onMove);
        added = new ScratchMemory(context, "what a block adds", onMove);
        blockMaxima = new ScratchMemory(context, "maxima of logits", onMove);
    }

    /** The residual has been written to {@code to}: nothing is to be added to it. */
    void start(CudaActivations to) {
        hidden = to;
        matvec.startWide();
        current = to.start();
        addition = NOTHING;
        scale = 1;
        headMaxima = null;
    }

    /** The step that begins has other than one row. */
    void stop() {
        hidden = null;
        headMaxima = null;
    }

    /** Whether {@code x} is the residual of this step. */
    boolean isResidual(CudaActivations x) {
        return hidden != null && x.start().equals(hidden.start());
    }

    /** Multiplies the residual. */
    void scale(float factor) {
        scale *= factor;
    }

    /** The residual as input; what is to be added to it is then added. */
    private Residual residual(DevicePointer norm, float normEpsilon) {
        epsilon = normEpsilon;
        boolean changes = addition != NOTHING || scale != 1;
        DevicePointer out = changes ? other() : DevicePointer.NULL;
        Residual input = new Residual(current, out, addition.branch, addition.branchNorm, addition.other, addition.otherNorm, addition.postNorm, scale,
                norm, normEpsilon);
        if (changes) {
            current = out;
            addition = NOTHING;
            scale = 1;
        }
        return input;
    }

    private DevicePointer other() {
        return current.equals(hidden.start()) ? otherHidden.require((long) hidden.width() * Float.BYTES) : hidden.start();
    }

    /** Two parts of {@code elements} floats each. */
    private static Planes planes(ScratchMemory memory, int elements, int place, int places) {
        long bytes = (long) elements * Float.BYTES;
        DevicePointer start = memory.require(2 * bytes * places).plus(2 * bytes * place);
        return new Planes(start, start.plus(bytes));
    }

    /** One of three places for what a block adds: a kernel may not write to where it still reads. */
    private Planes added(int place) {
        return planes(added, hidden.width(), place, 3);
    }

    private static QuantizedVector vector(ScratchMemory memory, int elements) {
        return QuantizedVector.at(memory.require(QuantizedVector.bytes(elements)), elements);
    }

    private static TileMatrix tiles(Weight weight) {
        return ((CudaWeight) weight).tiles();
    }

    private static DevicePointer vector(Weight weight) {
        return weight == null ? DevicePointer.NULL : ((CudaWeight) weight).vector();
    }

    private boolean possible(int rowUnit, Weight... matrices) {
        return hidden != null && hidden.width() <= MAX_HIDDEN
                && Stream.of(matrices).allMatch(matrix -> matrix != null && tiles(matrix) != null && matrix.rows() % rowUnit == 0);
    }

    boolean perLayerInputBlock(PerLayerInputWeights w, float epsilon, StepInputs inputs, CudaActivations embedding, CudaActivations out) {
        if (!possible(1, w.projection()) || !CudaElementwise.hasPerLayerInput(w.width())) {
            return false;
        }
        Planes product = planes(projected, w.layers() * w.width(), 0, 1);
        float inputScale = (float) (1 / Math.sqrt(embedding.width()));
        matvec.multiply(tiles(w.projection()), new Residual(embedding.start(), DevicePointer.NULL, Planes.NONE, DevicePointer.NULL, Planes.NONE,
                DevicePointer.NULL, DevicePointer.NULL, inputScale, DevicePointer.NULL, epsilon), product);
        CudaWeight table = (CudaWeight) w.table();
        elementwise.perLayerInput(product, vector(w.norm()), epsilon, table, matmul.nativeRows(table), inputs, w.firstLayer(), w.layers(), w.width(),
                out.start());
        return true;
    }

    boolean attentionBlock(AttentionWeights w, float epsilon, Step step, StepInputs inputs) {
        Weight[] all = Stream.of(w.query(), w.key(), w.value(), w.output()).filter(Objects::nonNull).toArray(Weight[]::new);
        if (!possible(TileLayout.ROWS, all) || !CudaAttention.supports(w)) {
            return false;
        }
        int queries = w.heads() * w.headDim();
        Planes out = planes(projected, queries + 2 * w.kvHeads() * w.headDim(), 0, 1);
        List<TileMatrix> matrices = projections.computeIfAbsent(w, this::join);
        if (matrices.size() == 2 && CudaMatvec.together(matrices.getFirst(), matrices.getLast())) {
            matvec.multiply(matrices.getFirst(), matrices.getLast(), residual(vector(w.norm()), epsilon), out);
        } else {
            int row = 0;
            for (TileMatrix matrix : matrices) {
                matvec.multiply(matrix, residual(vector(w.norm()), epsilon), out.plus(row));
                row += matrix.rows();
            }
        }
        QuantizedVector result = vector(attended, queries);
        attention.decode(w, epsilon, step, inputs, out, result);
        matvec.startWide();
        add(tiles(w.output()), result, w.postNorm());
        return true;
    }

    /** Projections that follow each other and have one type are done together. */
    private List<TileMatrix> join(AttentionWeights w) {
        List<List<CudaWeight>> runs = new ArrayList<>();
        for (Weight weight : new Weight[] {w.query(), w.key(), w.value()}) {
            if (weight == null) {
                continue;
            }
            if (runs.isEmpty() || runs.getLast().getFirst().storedType() != ((CudaWeight) weight).storedType()) {
                runs.add(new ArrayList<>());
            }
            runs.getLast().add((CudaWeight) weight);
        }
        return runs.stream().map(weights::join).toList();
    }

    private void add(TileMatrix matrix, QuantizedVector in, Weight postNorm) {
        Planes branch = added(0);
        matvec.multiply(matrix, in, branch);
        add(branch, postNorm);
    }

    private void add(Planes branch, Weight postNorm) {
        addition = new Addition(branch, DevicePointer.NULL, Planes.NONE, DevicePointer.NULL, vector(postNorm));
    }

    boolean feedForwardBlock(FeedForwardWeights w, float epsilon) {
        if (!possible(4 * TileLayout.ROWS, w.gateUp()) || !possible(TileLayout.ROWS, w.down())) {
            return false;
        }
        weights.pair((CudaWeight) w.gateUp(), 1);
        TileMatrix gateUp = tiles(w.gateUp());
        QuantizedVector gated = vector(widened, gateUp.rows() / 2);
        matvec.geglu(gateUp, residual(vector(w.norm()), epsilon), gated);
        add(tiles(w.down()), gated, w.postNorm());
        return true;
    }

    boolean expertBlock(FeedForwardWeights shared, ExpertWeights w, float epsilon, LayerScratch.ExpertScratch s) {
        int experts = Math.toIntExact(w.router().rows());
        CudaRouting routing = (CudaRouting) s.routing();
        if (!possible(4 * TileLayout.ROWS * experts, w.gateUp()) || !possible(TileLayout.ROWS * experts, w.down())
                || !possible(1, w.router()) || !feedForwardBlock(shared, epsilon)) {
            return false;
        }
        Addition ofShared = addition;
        addition = NOTHING;
        CudaActivations logits = (CudaActivations) s.routerLogits();
        matvec.multiply(tiles(w.router()), residual(vector(w.routerNorm()), epsilon), new Planes(logits.start(), DevicePointer.NULL));
        matmul.routeExperts(logits, vector(w.scale()), routing, 1);
        weights.pair((CudaWeight) w.gateUp(), experts);
        TileMatrix gateUp = expert(tiles(w.gateUp()), experts);
        QuantizedVector gated = vector(widened, routing.expertsPerRow() * gateUp.rows() / 2);
        matvec.expertsGeglu(gateUp, chosen(gateUp, routing), residual(vector(w.norm()), epsilon), gated);
        TileMatrix down = expert(tiles(w.down()), experts);
        Planes other = added(1);
        matvec.expertsSum(down, chosen(down, routing), routing.weights(), gated, other);
        addition = new Addition(ofShared.branch, vector(w.sharedPostNorm()), other, vector(w.postNorm()), vector(shared.postNorm()));
        return true;
    }

    private static TileMatrix expert(TileMatrix all, int experts) {
        return new TileMatrix(all.layout(), all.start(), all.rows() / experts);
    }

    private static Experts chosen(TileMatrix expert, CudaRouting routing) {
        return new Experts(routing.experts(), routing.expertsPerRow(), expert.layout().bytes(expert.rows()));
    }

    boolean perLayerEmbeddingBlock(PerLayerEmbeddingWeights w, float epsilon, CudaActivations perLayerInput) {
        if (!possible(2 * TileLayout.ROWS, w.gate()) || !possible(TileLayout.ROWS, w.projection())) {
            return false;
        }
        TileMatrix gate = tiles(w.gate());
        TileMatrix projection = tiles(w.projection());
        Optional<GatedProjectionLaunch> atOnce = matvec.gatedProjection(gate, projection);
        if (atOnce.isPresent()) {
            Planes branch = added(addition.branch.equals(added(0)) ? 2 : 0);
            matvec.projectGelu(gate, projection, atOnce.get(), residual(DevicePointer.NULL, epsilon), perLayerInput.start(), branch);
            add(branch, w.postNorm());
            return true;
        }
        QuantizedVector gated = vector(widened, gate.rows());
        matvec.gelu(gate, residual(DevicePointer.NULL, epsilon), perLayerInput.start(), gated);
        add(projection, gated, w.postNorm());
        return true;
    }

    boolean headBlock(HeadWeights w, float epsilon, CudaActivations logits) {
        if (!possible(1, w.output())) {
            return false;
        }
        DevicePointer maxima = blockMaxima.require((long) multiprocessors * (Float.BYTES + Integer.BYTES));
        headMaxima = matvec.head(tiles(w.output()), residual(vector(w.norm()), epsilon), logits.start(), w.softcap(), maxima);
        return true;
    }

    /** The largest logits of the step, or null where they are not known. */
    Maxima headMaxima() {
        return headMaxima;
    }

    /** Completes the residual where the model has it. */
    void settle() {
        if (hidden == null) {
            return;
        }
        if (!current.equals(hidden.start())) {
            elementwise.copy(row(current), hidden, 1);
            current = hidden.start();
        }
        if (addition != NOTHING) {
            CudaActivations sum = sum(addition.branch);
            if (addition.other != Planes.NONE) {
                CudaActivations otherSum = sum(addition.other);
                elementwise.rmsNorm(sum, addition.branchNorm, 1, epsilon, sum, 1);
                elementwise.rmsNorm(otherSum, addition.otherNorm, 1, epsilon, otherSum, 1);
                elementwise.add(sum, otherSum, 1, 1);
            }
            elementwise.addRmsNorm(sum, addition.postNorm, epsilon, hidden, 1);
            addition = NOTHING;
        }
        if (scale != 1) {
            elementwise.scale(hidden, scale, 1);
            scale = 1;
        }
    }

    private CudaActivations sum(Planes planes) {
        CudaActivations sum = row(planes.first());
        elementwise.add(sum, row(planes.second()), 1, 1);
        return sum;
    }

    private CudaActivations row(DevicePointer start) {
        return new CudaActivations(start, hidden.width(), 1, hidden.width());
    }

    @Override
    public void close() {
        for (ScratchMemory memory : List.of(otherHidden, projected, attended, widened, added, blockMaxima)) {
            memory.close();
        }
    }
}
