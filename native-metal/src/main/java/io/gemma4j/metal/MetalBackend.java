package io.gemma4j.metal;

import io.gemma4j.backend.Activations;
import io.gemma4j.backend.AttentionWeights;
import io.gemma4j.backend.DeviceSampler;
import io.gemma4j.backend.ExpertWeights;
import io.gemma4j.backend.FeedForwardWeights;
import io.gemma4j.backend.HeadWeights;
import io.gemma4j.backend.KvLayer;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.LayerScratch;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.PerLayerEmbeddingWeights;
import io.gemma4j.backend.RopeFrequencies;
import io.gemma4j.backend.Routing;
import io.gemma4j.backend.Step;
import io.gemma4j.backend.Weight;
import io.gemma4j.sampling.Sampler;
import io.gemma4j.tensor.QuantizedTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The operations on a GPU of Apple's: a token is one command buffer, and only reading waits for it. */
final class MetalBackend implements ModelBackend {
    // Activations take at most this part of the memory that is left beside the weights.
    private static final int ACTIVATION_PART = 4;
    // Longer steps are handed over layer by layer: the system ends work that keeps its display waiting for seconds.
    private static final int ONE_BUFFER_ROWS = 32;

    private final MetalDevice device;
    private final long modelBytes;
    private final CommandQueue queue;
    private final MetalStream stream;
    private final KernelLibrary kernels;
    private final WeightStore weights;
    private final StepInputs inputs;
    private final MetalElementwise elementwise;
    private final MetalNorm norms;
    private final MetalRope rope;
    private final MetalAttention attention;
    private final MetalMatvec matvec;
    private final MetalExperts experts;
    private final ResidualUpdate residual;
    private final MetalBlocks blocks;
    // The latest first.
    private final Deque<AutoCloseable> owned = new ArrayDeque<>();
    private final Set<MetalKvLayer> kvLayers = ConcurrentHashMap.newKeySet();
    private final Set<MetalDeviceSampler> samplers = ConcurrentHashMap.newKeySet();
    private MetalSampling sampling;

    /**
     * Takes over {@code device}, also where this fails.
     *
     * @param modelBytes of the weights that are going to be uploaded
     */
    MetalBackend(MetalDevice device, long modelBytes) {
        this.modelBytes = modelBytes;
        this.device = own(device);
        try {
            queue = own(new CommandQueue(device));
            kernels = own(new KernelLibrary(device));
            weights = own(new WeightStore(device, queue));
            rope = own(new MetalRope(device, kernels));
            attention = own(new MetalAttention(device, kernels));
            elementwise = new MetalElementwise(kernels);
            norms = new MetalNorm(kernels);
            matvec = new MetalMatvec(kernels);
            experts = own(new MetalExperts(device, kernels, matvec));
            // Closed before what its work uses.
            stream = own(new MetalStream(queue));
            inputs = own(new StepInputs(device, stream));
            residual = new ResidualUpdate(stream, norms);
            blocks = new MetalBlocks(stream, new MetalMatmul(kernels, matvec), matvec, elementwise, attention, rope, experts, residual);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private <T extends AutoCloseable> T own(T resource) {
        owned.addFirst(resource);
        return resource;
    }

    @Override
    public String name() {
        return "metal";
    }

    @Override
    public String describe() {
        StringBuilder text = new StringBuilder("metal, ").append(device.name()).append(" (working set of up to ").append(device.workingSetBytes())
                .append(" bytes), experimental");
        if (weights.mappedBytes() > 0) {
            text.append(", ").append(weights.mappedBytes()).append(" bytes of weights read from the mapped file, ")
                    .append(kvLayers.stream().mapToLong(MetalKvLayer::bytes).sum()).append(" bytes of keys and values");
        }
        return text.toString();
    }

    @Override
    public long freeBytes() {
        // Mapped weights count as allocated once they are wrapped.
        long allocated = device.allocatedBytes() + Math.max(0, modelBytes - weights.mappedBytes());
        return Math.max(0, device.workingSetBytes() - Math.max(allocated, modelBytes));
    }

    @Override
    public int maxStepRows(int wantedRows, long bytesPerRow) {
        weights.place();
        long free = Math.max(0, device.workingSetBytes() - weights.mappedBytes());
        return Math.clamp(free / ACTIVATION_PART / bytesPerRow, 1, wantedRows);
    }

    @Override
    public Weight upload(QuantizedTensor tensor) {
        if (tensor.rows() > 1) {
            // Compiled while the rest of the model is read.
            String type = tensor.type().name().toLowerCase(Locale.ROOT);
            kernels.prepare("matvec_" + type);
            kernels.prepare("matmul_" + type);
        }
        return weights.add(tensor);
    }

    @Override
    public Activations allocateActivations(int rows, int width) {
        return MetalActivations.of(allocate("activations", MetalActivations.bytes(rows, width)), rows, width);
    }

    @Override
    public Routing allocateRouting(int rows, int expertsPerRow) {
        return MetalRouting.of(allocate("the choice of experts", MetalRouting.bytes(rows, expertsPerRow)), expertsPerRow);
    }

    private BufferSlice allocate(String purpose, long bytes) {
        MetalBuffer buffer = MetalBuffer.allocate(device, purpose, bytes);
        owned.addLast(buffer);
        return buffer.slice();
    }

    @Override
    public KvLayer allocateKv(KvLayerLayout layout) {
        MetalKvLayer layer = new MetalKvLayer(device, stream, layout, kvLayers::remove);
        kvLayers.add(layer);
        for (String kernel : List.of("attention_input", "attention_decode", "attention_prefill")) {
            kernels.prepare(kernel + layer.slots().suffix());
        }
        if (layer.slots().rotated()) {
            kernels.prepare("head_rotation");
        }
        return layer;
    }

    @Override
    public void runStep(Step step, Runnable operations) {
        encode(operations);
        stream.commit();
    }

    private void encode(Runnable operations) {
        try {
            operations.run();
            residual.settle();
        } catch (RuntimeException | Error e) {
            residual.forget();
            stream.discard();
            throw e;
        }
    }

    @Override
    public Optional<DeviceSampler> newDeviceSampler(Sampler sampler, int[] suppressedTokens, Activations logits, boolean masked) {
        if (!MetalSampling.supports(sampler.options())) {
            return Optional.empty();
        }
        // Whoever begins a text asks, also while another's step is encoded.
        synchronized (samplers) {
            if (sampling == null) {
                sampling = new MetalSampling(device, kernels, logits.width());
            }
            MetalDeviceSampler opened = new MetalDeviceSampler(this, device, stream, sampling, sampler, suppressedTokens, (MetalActivations) logits,
                    masked);
            samplers.add(opened);
            return Optional.of(opened);
        }
    }

    /** Says where the token of a step is that the host does not know. */
    void follow(Step step, BufferSlice token) {
        inputs.follow(step, token);
    }

    /** Runs a step and what draws the token after it, in one command buffer. */
    CommittedWork runStepThen(Runnable operations, Runnable draw) {
        encode(() -> {
            operations.run();
            residual.settle();
            draw.run();
        });
        return stream.commitWork();
    }

    /** Forgets a sampler that is closed. */
    void forget(MetalDeviceSampler sampler) {
        samplers.remove(sampler);
    }

    /** The stream, for work that reads the residual as it is. */
    private MetalStream settled() {
        weights.place();
        residual.settle();
        return stream;
    }

    private static MetalRows floats(Activations activations) {
        return ((MetalActivations) activations).floats();
    }

    @Override
    public void embed(Weight table, Step step, int firstColumn, float scale, Activations out) {
        elementwise.embed(settled(), ((MetalWeight) table).matrix(), inputs.of(step).tokens(), firstColumn, scale, floats(out), step.rows());
    }

    @Override
    public void matmul(Weight weight, Activations in, Activations out, int rows) {
        settled();
        blocks.multiply(weight, in, out, rows);
    }

    @Override
    public void rmsNorm(Activations in, Weight norm, int groups, float epsilon, Activations out, int rows) {
        norms.rmsNorm(settled(), floats(in), norm == null ? null : ((MetalWeight) norm).vector(), groups, epsilon, floats(out), rows);
    }

    @Override
    public void addRmsNorm(Activations in, Weight norm, float epsilon, Activations out, int rows) {
        norms.addRmsNorm(settled(), floats(in), ((MetalWeight) norm).vector(), epsilon, floats(out), 1, List.of(), rows);
    }

    @Override
    public void ropeHalfSplit(Activations heads, Step step, RopeFrequencies frequencies) {
        rope.ropeHalfSplit(settled(), floats(heads), heads.width() / frequencies.headDim(), frequencies, inputs.of(step).positions(), step.rows());
    }

    @Override
    public void kvUpdate(Activations keys, Activations values, Step step, int owner) {
        settled();
        StepInputs.Entry entry = inputs.of(step);
        for (StepInputs.Span span : entry.spans()) {
            int first = span.firstRow();
            attention.kvUpdate(stream, floats(keys).from(first), floats(values).from(first), entry.positions().from((long) first * Integer.BYTES),
                    span.slots(owner), span.positions().rows());
        }
    }

    @Override
    public void attention(Activations queries, Step step, int owner, int heads, int window, Activations out) {
        settled();
        attention.attention(stream, floats(queries), inputs.of(step).sequences(owner), heads, window, floats(out));
    }

    @Override
    public void geglu(Activations gate, Activations up, Activations out, int rows) {
        elementwise.geglu(settled(), floats(gate), floats(up), floats(out), rows);
    }

    @Override
    public void add(Activations x, Activations y, float scale, int rows) {
        elementwise.add(settled(), floats(x), floats(y), scale, rows);
    }

    @Override
    public void scale(Activations x, float scale, int rows) {
        if (!residual.scale(floats(x), scale, rows)) {
            elementwise.scale(settled(), floats(x), scale, rows);
        }
    }

    @Override
    public void copy(Activations in, Activations out, int rows) {
        elementwise.copy(settled(), floats(in), floats(out), rows);
    }

    @Override
    public void gatherLogitRows(Activations in, Step step, Activations out) {
        settled();
        if (step.logitRowCount() > 0) {
            elementwise.gatherLogitRows(stream, floats(in), inputs.of(step).logitRows(), floats(out), step.logitRowCount());
        }
    }

    @Override
    public void routeExperts(Activations routerLogits, Weight expertScale, Routing routing, int rows) {
        experts.route(settled(), floats(routerLogits), ((MetalWeight) expertScale).vector(), ((MetalRouting) routing).slots(), rows);
    }

    @Override
    public void expertMatmul(Weight weight, Activations in, boolean inputPerExpert, Routing routing, Activations out, int rows) {
        MetalExperts.Slots slots = ((MetalRouting) routing).slots();
        experts.multiply(settled(), MetalBlocks.matrices(weight, out.width(), 0, out.width()), floats(in), inputPerExpert ? 1 : slots.perRow(), slots,
                floats(out), rows);
    }

    @Override
    public void combineExperts(Activations in, Routing routing, Activations out, int rows) {
        experts.combine(settled(), floats(in), ((MetalRouting) routing).slots(), floats(out), rows);
    }

    @Override
    public void softcap(Activations x, float cap, int rows) {
        elementwise.softcap(settled(), floats(x), cap, rows);
    }

    @Override
    public void read(Activations in, int row, float[] out) {
        settled().synchronize();
        MetalActivations from = ((MetalActivations) in).rowsFrom(row);
        MemorySegment.copy(from.floats().bytes().contents(), ValueLayout.JAVA_FLOAT, 0, out, 0, from.width());
    }

    @Override
    public void attentionBlock(AttentionWeights w, float epsilon, Step step, LayerScratch s) {
        if (step.rows() > ONE_BUFFER_ROWS) {
            stream.commit();
        }
        blocks.attention(w, epsilon, inputs.of(step), s, step.rows());
    }

    @Override
    public void feedForwardBlock(FeedForwardWeights w, float epsilon, Step step, LayerScratch s) {
        blocks.feedForward(w, epsilon, s, step.rows());
    }

    @Override
    public void expertBlock(FeedForwardWeights shared, ExpertWeights w, float epsilon, Step step, LayerScratch s) {
        blocks.experts(shared, w, epsilon, s, step.rows());
    }

    @Override
    public void perLayerEmbeddingBlock(PerLayerEmbeddingWeights w, float epsilon, Step step, LayerScratch s) {
        blocks.perLayerEmbedding(w, epsilon, s, step.rows());
    }

    @Override
    public void headBlock(HeadWeights w, float epsilon, Activations hidden, Activations normed, Activations logits, int rows) {
        residual.norm(floats(hidden), epsilon, List.of(new MetalNorm.Weighted(floats(normed), ((MetalWeight) w.norm()).vector())), rows);
        if (rows <= MetalMatmul.MATVEC_ROWS && w.softcap() > 0) {
            matvec.softcapped(stream, ((MetalWeight) w.output()).matrix(), floats(normed), w.softcap(), floats(logits), rows);
            return;
        }
        blocks.multiply(w.output(), normed, logits, rows);
        if (w.softcap() > 0) {
            elementwise.softcap(stream, floats(logits), w.softcap(), rows);
        }
    }

    @Override
    public void close() {
        samplers.forEach(MetalDeviceSampler::close);
        if (sampling != null) {
            owned.addLast(sampling);
            sampling = null;
        }
        kvLayers.forEach(MetalKvLayer::close);
        RuntimeException failure = null;
        while (!owned.isEmpty()) {
            try {
                owned.removeFirst().close();
            } catch (Exception e) {
                // Work that has failed on the GPU is no reason to keep the rest.
                failure = failure == null ? new MetalException("closing the Metal backend: " + e.getMessage()) : failure;
                failure.addSuppressed(e);
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
