package io.gemma4j.cuda;

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
import io.gemma4j.backend.PerLayerInputWeights;
import io.gemma4j.backend.RopeFrequencies;
import io.gemma4j.backend.Routing;
import io.gemma4j.backend.Step;
import io.gemma4j.backend.Weight;
import io.gemma4j.sampling.Sampler;
import io.gemma4j.tensor.QuantizedTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;

/** The operations on a GPU: all are queued on one stream, and only reading waits for them. */
final class CudaBackend implements ModelBackend {
    // Activations take at most this part of the memory that is free once the weights are loaded.
    private static final int ACTIVATION_PART = 4;
    // Decoding the weights, which each step does once, then takes a tenth of the time.
    private static final int PREFERRED_STEP_ROWS = 2048;

    private final CudaContext context;
    private final KernelLibrary.Origin origin;
    private final long modelBytes;
    private final CudaStream stream;
    private final KernelLibrary kernels;
    private final WeightStore weights;
    private final CudaElementwise elementwise;
    private final CudaMatmul matmul;
    private final CompressedAttention compressed;
    private final CudaAttention attention;
    private final DecodeBlocks decode;
    private final FlashAttention flash;
    private final PrefillBlocks prefill;
    private final StepInputs[] inputs;
    private final RecordedStep recorded;
    private final DeviceDraws draws;
    private final List<CudaBuffer> activations = new ArrayList<>();
    private final Map<Weight, DerivedKeys> derivedKeys = new ConcurrentHashMap<>();
    private final Set<CudaKvLayer> kvLayers = ConcurrentHashMap.newKeySet();
    private volatile SortedSet<Integer> kvOwners = new TreeSet<>();
    private PinnedMemory rowRead;
    private boolean closed;

    /**
     * Takes over {@code context}.
     *
     * @param modelBytes of the weights that are going to be uploaded
     */
    CudaBackend(CudaContext context, KernelLibrary.Origin origin, long modelBytes) {
        this(context, origin, modelBytes, true, true);
    }

    /**
     * The same with less speed, to compare with.
     *
     * @param overlapping see {@link CudaStream}
     * @param repeating see {@link RecordedStep}
     */
    CudaBackend(CudaContext context, KernelLibrary.Origin origin, boolean overlapping, boolean repeating) {
        this(context, origin, 0, overlapping, repeating);
    }

    private CudaBackend(CudaContext context, KernelLibrary.Origin origin, long modelBytes, boolean overlapping, boolean repeating) {
        this.modelBytes = modelBytes;
        this.context = context;
        this.origin = origin;
        SamplingState sampling;
        try {
            stream = new CudaStream(context, overlapping);
            // A step, and the same step without the rows that want no logits.
            inputs = new StepInputs[] {new StepInputs(context, () -> {}), new StepInputs(context, () -> {})};
            recorded = new RecordedStep(stream, repeating);
            kernels = new KernelLibrary(context);
            sampling = new SamplingState(kernels, stream, recorded::discard);
        } catch (RuntimeException e) {
            context.close();
            throw e;
        }
        TilePermutation permutation = new TilePermutation(kernels, stream);
        weights = new WeightStore(stream, permutation);
        elementwise = new CudaElementwise(kernels, stream);
        CudaMatvec matvec = new CudaMatvec(kernels, stream);
        boolean warpgroups = origin.hasWarpgroupProducts(context.device());
        matmul = new CudaMatmul(kernels, stream, matvec, permutation, warpgroups, recorded::discard);
        compressed = new CompressedAttention(kernels, stream, elementwise, recorded::discard);
        attention = new CudaAttention(kernels, stream, compressed, recorded::discard);
        decode = new DecodeBlocks(context, matvec, matmul, elementwise, attention, weights, recorded::discard);
        draws = new DeviceDraws(stream, recorded, sampling, decode::headMaxima, () -> kvOwners);
        flash = new FlashAttention(kernels, stream, elementwise, compressed, warpgroups, recorded::discard);
        prefill = new PrefillBlocks(matmul, elementwise, attention, flash, weights);
    }

    @Override
    public String name() {
        return "cuda";
    }

    @Override
    public String describe() {
        CudaDevice device = context.device();
        long kvBytes = kvLayers.stream().mapToLong(CudaKvLayer::bytes).sum();
        return "cuda, " + device.name() + " (compute capability " + device.major() + "." + device.minor() + ", " + device.multiprocessors()
                + " multiprocessors, " + device.memoryBytes() + " bytes), kernels of CUDA " + origin.cuda() + " for " + origin.architectures() + ", "
                + weights.deviceBytes() + " bytes of weights in tiles and " + weights.hostBytes() + " in host memory, " + kvBytes + " bytes of keys and values";
    }

    @Override
    public int preferredStepRows() {
        return PREFERRED_STEP_ROWS;
    }

    @Override
    public long freeBytes() {
        long notUploaded = Math.max(0, modelBytes - weights.deviceBytes() - weights.hostBytes());
        return Math.max(0, context.memory().freeBytes() - notUploaded);
    }

    @Override
    public int maxStepRows(int wantedRows, long bytesPerRow) {
        weights.finishUploads();
        weights.widest().ifPresent(matrix -> matmul.panels().reserveWeights(matrix.rows(), matrix.columns()));
        // Panels are 16-bit floats of what those activations are 32-bit floats of.
        return Math.clamp(context.memory().freeBytes() / ACTIVATION_PART / (bytesPerRow + bytesPerRow / 2), 1, wantedRows);
    }

    @Override
    public Weight upload(QuantizedTensor tensor) {
        return weights.add(tensor);
    }

    @Override
    public Activations allocateActivations(int rows, int width) {
        return new CudaActivations(allocate("activations", (long) rows * width * Float.BYTES), width, rows, width);
    }

    @Override
    public Routing allocateRouting(int rows, int expertsPerRow) {
        int slots = rows * expertsPerRow;
        return CudaRouting.at(allocate("the choice of experts", CudaRouting.bytes(slots)), slots, expertsPerRow);
    }

    private DevicePointer allocate(String purpose, long bytes) {
        CudaBuffer buffer = CudaBuffer.allocate(context, purpose, bytes);
        activations.add(buffer);
        return buffer.pointer();
    }

    @Override
    public KvLayer allocateKv(KvLayerLayout layout) {
        return allocateKv(layout, (DerivedKeys) null);
    }

    @Override
    public KvLayer allocateKv(KvLayerLayout layout, AttentionWeights owner) {
        return allocateKv(layout, DerivedKeys.apply(layout, owner)
                ? derivedKeys.computeIfAbsent(owner.keyNorm(), norm -> new DerivedKeys(stream, (CudaWeight) norm)) : null);
    }

    @Override
    public long kvBytes(KvLayerLayout layout, AttentionWeights owner) {
        return CudaKvLayer.bytes(layout, DerivedKeys.apply(layout, owner));
    }

    private KvLayer allocateKv(KvLayerLayout layout, DerivedKeys derived) {
        CudaKvLayer layer = new CudaKvLayer(stream, layout, derived, kvLayers::remove);
        kvLayers.add(layer);
        synchronized (kvLayers) {
            if (!kvOwners.contains(layout.layer())) {
                SortedSet<Integer> owners = new TreeSet<>(kvOwners);
                owners.add(layout.layer());
                kvOwners = owners;
            }
        }
        return layer;
    }

    @Override
    public void runStep(Step step, Runnable operations) {
        if (step.rows() == 1 && step.logitRowCount() == 1) {
            draws.release();
            recorded.set(step, kvOwners);
            recorded.run(operations);
        } else {
            operations.run();
        }
    }

    @Override
    public Optional<DeviceSampler> newDeviceSampler(Sampler sampler, int[] suppressedTokens, Activations logits, boolean masked) {
        return Optional.of(draws.open(sampler, suppressedTokens, (CudaActivations) logits, masked));
    }

    private StepInputs inputs(Step step) {
        if (recorded.inputs().holds(step)) {
            return recorded.inputs();
        }
        if (inputs[0].holds(step)) {
            return inputs[0];
        }
        if (!inputs[1].holds(step)) {
            inputs[1].set(step, kvOwners, stream);
        }
        StepInputs latest = inputs[1];
        inputs[1] = inputs[0];
        inputs[0] = latest;
        return latest;
    }

    @Override
    public void embed(Weight table, Step step, int firstColumn, float scale, Activations out) {
        CudaWeight weight = (CudaWeight) table;
        elementwise.embed(weight, matmul.nativeRows(weight), inputs(step), firstColumn, scale, (CudaActivations) out, step.rows());
    }

    @Override
    public void matmul(Weight weight, Activations in, Activations out, int rows) {
        matmul.matmul((CudaWeight) weight, (CudaActivations) in, (CudaActivations) out, rows);
    }

    @Override
    public void rmsNorm(Activations in, Weight norm, int groups, float epsilon, Activations out, int rows) {
        elementwise.rmsNorm((CudaActivations) in, norm == null ? null : ((CudaWeight) norm).vector(), groups, epsilon, (CudaActivations) out, rows);
    }

    @Override
    public void addRmsNorm(Activations in, Weight norm, float epsilon, Activations residual, int rows) {
        elementwise.addRmsNorm((CudaActivations) in, ((CudaWeight) norm).vector(), epsilon, (CudaActivations) residual, rows);
    }

    @Override
    public void ropeHalfSplit(Activations heads, Step step, RopeFrequencies rope) {
        elementwise.ropeHalfSplit((CudaActivations) heads, inputs(step), rope, step.rows());
    }

    @Override
    public void kvUpdate(Activations keys, Activations values, Step step, int owner) {
        attention.kvUpdate((CudaActivations) keys, (CudaActivations) values, step, inputs(step), owner);
    }

    @Override
    public void attention(Activations queries, Step step, int owner, int heads, int window, Activations out) {
        attention.attention((CudaActivations) queries, step, inputs(step), owner, heads, window, (CudaActivations) out);
    }

    @Override
    public void geglu(Activations gate, Activations up, Activations out, int rows) {
        elementwise.geglu((CudaActivations) gate, (CudaActivations) up, (CudaActivations) out, rows);
    }

    @Override
    public void add(Activations x, Activations y, float scale, int rows) {
        elementwise.add((CudaActivations) x, (CudaActivations) y, scale, rows);
    }

    @Override
    public void scale(Activations x, float scale, int rows) {
        if (decode.isResidual((CudaActivations) x)) {
            decode.scale(scale);
        } else {
            elementwise.scale((CudaActivations) x, scale, rows);
        }
    }

    @Override
    public void copy(Activations in, Activations out, int rows) {
        elementwise.copy((CudaActivations) in, (CudaActivations) out, rows);
    }

    @Override
    public void gatherLogitRows(Activations in, Step step, Activations out) {
        decode.settle();
        if (step.logitRowCount() > 0) {
            elementwise.gatherLogitRows((CudaActivations) in, step, inputs(step), (CudaActivations) out);
        }
        if (step.logitRowCount() == 1 && in.equals(out)) {
            // What is left of the step has one row.
            decode.start((CudaActivations) out);
        }
    }

    @Override
    public void routeExperts(Activations routerLogits, Weight expertScale, Routing routing, int rows) {
        matmul.routeExperts((CudaActivations) routerLogits, ((CudaWeight) expertScale).vector(), (CudaRouting) routing, rows);
    }

    @Override
    public void expertMatmul(Weight experts, Activations in, boolean inputPerExpert, Routing routing, Activations out, int rows) {
        matmul.expertMatmul((CudaWeight) experts, (CudaActivations) in, inputPerExpert, (CudaRouting) routing, (CudaActivations) out, rows);
    }

    @Override
    public void combineExperts(Activations in, Routing routing, Activations out, int rows) {
        matmul.combineExperts((CudaActivations) in, (CudaRouting) routing, (CudaActivations) out, rows);
    }

    @Override
    public void softcap(Activations x, float cap, int rows) {
        elementwise.softcap((CudaActivations) x, cap, rows);
    }

    @Override
    public void read(Activations in, int row, float[] out) {
        CudaActivations from = (CudaActivations) in;
        long bytes = (long) from.width() * Float.BYTES;
        if (rowRead == null || rowRead.segment().byteSize() < bytes) {
            if (rowRead != null) {
                rowRead.close();
            }
            rowRead = new PinnedMemory(context, bytes);
        }
        MemorySegment pinned = rowRead.segment().asSlice(0, bytes);
        stream.download(from.row(row), pinned);
        stream.synchronize();
        MemorySegment.copy(pinned, ValueLayout.JAVA_FLOAT, 0, out, 0, from.width());
    }

    @Override
    public void embedBlock(Weight table, float scale, Step step, Activations hidden) {
        ModelBackend.super.embedBlock(table, scale, step, hidden);
        if (step.rows() == 1) {
            decode.start((CudaActivations) hidden);
        } else {
            decode.stop();
        }
    }

    @Override
    public void perLayerInputBlock(PerLayerInputWeights w, float epsilon, Step step, Activations embedding, Activations tokenPart, Activations out) {
        if (step.rows() != 1 || !decode.perLayerInputBlock(w, epsilon, inputs(step), (CudaActivations) embedding, (CudaActivations) out)) {
            ModelBackend.super.perLayerInputBlock(w, epsilon, step, embedding, tokenPart, out);
        }
    }

    @Override
    public void attentionBlock(AttentionWeights w, float epsilon, Step step, LayerScratch s) {
        if (step.rows() == 1 ? !decode.attentionBlock(w, epsilon, step, inputs(step)) : !prefill.attentionBlock(w, epsilon, step, inputs(step), s)) {
            decode.settle();
            ModelBackend.super.attentionBlock(w, epsilon, step, s);
        }
    }

    @Override
    public void feedForwardBlock(FeedForwardWeights w, float epsilon, Step step, LayerScratch s) {
        if (step.rows() == 1 ? !decode.feedForwardBlock(w, epsilon) : !prefill.feedForwardBlock(w, epsilon, step, s)) {
            decode.settle();
            ModelBackend.super.feedForwardBlock(w, epsilon, step, s);
        }
    }

    @Override
    public void expertBlock(FeedForwardWeights shared, ExpertWeights w, float epsilon, Step step, LayerScratch s) {
        if (step.rows() == 1 ? !decode.expertBlock(shared, w, epsilon, s.experts()) : !prefill.expertBlock(shared, w, epsilon, step, s)) {
            decode.settle();
            ModelBackend.super.expertBlock(shared, w, epsilon, step, s);
        }
    }

    @Override
    public void perLayerEmbeddingBlock(PerLayerEmbeddingWeights w, float epsilon, Step step, LayerScratch s) {
        if (step.rows() != 1 || !decode.perLayerEmbeddingBlock(w, epsilon, (CudaActivations) s.perLayerInput())) {
            decode.settle();
            ModelBackend.super.perLayerEmbeddingBlock(w, epsilon, step, s);
        }
    }

    @Override
    public void headBlock(HeadWeights w, float epsilon, Activations hidden, Activations normed, Activations logits, int rows) {
        if (rows != 1 || !decode.isResidual((CudaActivations) hidden) || !decode.headBlock(w, epsilon, (CudaActivations) logits)) {
            decode.settle();
            ModelBackend.super.headBlock(w, epsilon, hidden, normed, logits, rows);
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        // Once work has failed on the device, everything else fails, too; giving the context back still frees all memory.
        try (context; stream; kernels; weights) {
            if (rowRead != null) {
                rowRead.close();
            }
            kvLayers.forEach(CudaKvLayer::close);
            for (StepInputs one : inputs) {
                one.close();
            }
            draws.close();
            recorded.close();
            decode.close();
            attention.close();
            compressed.close();
            flash.close();
            matmul.close();
            elementwise.close();
            derivedKeys.values().forEach(DerivedKeys::close);
            activations.forEach(CudaBuffer::close);
        }
    }
}
