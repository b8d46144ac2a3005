package io.gemma4j.model;

import io.gemma4j.KvType;
import io.gemma4j.backend.DeviceSampler;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.KvLayer;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.LayerScratch;
import io.gemma4j.backend.LayerWeights;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.PerLayerInputWeights;
import io.gemma4j.backend.Step;
import io.gemma4j.sampling.Sampler;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * The forward pass of Gemma 4, written once for every backend. Thread-safe: steps of several threads run one after the other, first come, first
 * served. Does not own the backend.
 */
public final class Gemma4Decoder {
    private static final long CANCELLATION_POLL_MILLIS = 20;

    private final Gemma4Config config;
    private final Gemma4Weights weights;
    private final ModelBackend backend;
    private final DecoderScratch scratch;
    private final int maxStepRows;
    private final float[] logits;
    private final ReentrantLock steps = new ReentrantLock(true);
    private Runnable afterStep = () -> {};
    private long turns;

    /** Receives the results of a step's rows, in order, while the step is running: it must not run another one. */
    @FunctionalInterface
    public interface RowSink {
        /**
         * Takes one row.
         *
         * @param row which of the rows that wanted logits
         * @param values logits, one for each token, or the elements of a hidden state; overwritten after the call
         */
        void accept(int row, float[] values);
    }

    /**
     * Allocates what a step needs.
     *
     * @param maxStepRows rows a step may have
     */
    public Gemma4Decoder(Gemma4Config config, Gemma4Weights weights, ModelBackend backend, int maxStepRows) {
        this.config = config;
        this.weights = weights;
        this.backend = backend;
        this.maxStepRows = maxStepRows;
        this.scratch = new DecoderScratch(config, backend, maxStepRows);
        this.logits = new float[config.vocabulary()];
    }

    /** Bytes of activations that each row of a step takes. */
    public static long scratchBytesPerRow(Gemma4Config config) {
        return DecoderScratch.bytesPerRow(config);
    }

    /** Bytes of activations for steps of up to {@code maxStepRows} rows. */
    public static long scratchBytes(Gemma4Config config, int maxStepRows) {
        return DecoderScratch.bytes(config, maxStepRows);
    }

    /** Rows a step may have. */
    public int maxStepRows() {
        return maxStepRows;
    }

    /** An empty cache without checkpoints for one sequence; the caller closes it. */
    public KvCache newCache(int contextTokens, KvType type) {
        return newCache(contextTokens, type, 0);
    }

    /**
     * An empty cache for one sequence; the caller closes it.
     *
     * @param checkpointBytes see {@link KvCache}
     */
    public KvCache newCache(int contextTokens, KvType type, long checkpointBytes) {
        List<KvLayer> layers = new ArrayList<>();
        try {
            for (KvLayerLayout layout : KvLayout.of(config, contextTokens, maxStepRows, type).layers()) {
                layers.add(backend.allocateKv(layout, weights.layers().get(layout.layer()).attention()));
            }
        } catch (RuntimeException | Error e) {
            layers.forEach(KvLayer::close);
            throw e;
        }
        return new KvCache(layers, config.layers().size(), contextTokens, this::window, checkpointBytes);
    }

    private int window(int layer) {
        return config.layers().get(layer).sliding() ? config.layers().get(layer).window() : KvCache.NO_WINDOW;
    }

    /**
     * Runs one step: stores the keys and values of its rows and computes the logits of those that want them. The caches count the rows only when
     * everything has succeeded, so that a step that failed or was cancelled has not happened.
     *
     * @param cancelled asked before every layer, and while waiting for other threads' steps
     * @throws CancellationException if {@code cancelled} said so, or the thread was interrupted while waiting
     * @throws IllegalArgumentException if the step has more rows than are possible
     * @throws IllegalStateException if a cache has changed since the step was made
     * @throws IllegalStateException if called by the sink of a step
     */
    public void run(Step step, BooleanSupplier cancelled, RowSink sink) {
        run(step, cancelled, () -> readLogits(step.logitRowCount(), cancelled, sink));
    }

    /**
     * As {@link #run}, but hands over what the head makes its logits of: the hidden states after the final norm, of the rows that want logits.
     */
    public void runHidden(Step step, BooleanSupplier cancelled, RowSink sink) {
        run(step, cancelled, () -> readHidden(step.logitRowCount(), sink));
    }

    private void run(Step step, BooleanSupplier cancelled, Runnable results) {
        begin(step, 0, cancelled);
        try {
            forward(step, cancelled);
            results.run();
            for (Step.Span span : step.spans()) {
                span.cache().append(span.rows());
            }
        } finally {
            end();
        }
    }

    /**
     * What draws the tokens of a text on the device.
     *
     * @param cache of the text
     * @param sampler of the text; says what to draw
     * @return empty where that is not possible: steps are then run one by one, and tokens drawn from their logits
     */
    public Optional<DrawnTokens> drawnTokens(KvCache cache, Sampler sampler) {
        return deviceSampler(sampler, false).map(device -> new DrawnTokens(this, cache, device));
    }

    /** The same for a text of which each token is drawn among some tokens only. */
    public Optional<MaskedTokens> maskedTokens(KvCache cache, Sampler sampler) {
        return deviceSampler(sampler, true).map(device -> new MaskedTokens(this, cache, device));
    }

    private Optional<DeviceSampler> deviceSampler(Sampler sampler, boolean masked) {
        int[] suppressed = config.suppressedTokens().stream().mapToInt(Integer::intValue).toArray();
        return backend.newDeviceSampler(sampler, suppressed, scratch.logits, masked);
    }

    /** How often somebody's turn to run a step has come; to be asked by whose turn it is. */
    long turns() {
        return turns;
    }

    /** What queues a step, given its operations; answers whether it did. */
    @FunctionalInterface
    interface StepQueue {
        boolean queue(Runnable operations);
    }

    /**
     * Queues a step of one sequence that has one row that wants logits; whoever takes its token has the cache count it.
     *
     * @param queuedRows rows of the sequence that are queued already
     * @return what {@code queue} answers
     */
    boolean queue(Step step, int queuedRows, BooleanSupplier cancelled, StepQueue queue) {
        begin(step, queuedRows, cancelled);
        try {
            Step logitStep = step.onlyLogitRows();
            return queue.queue(() -> {
                layers(step, logitStep, cancelled);
                head(0, 1, cancelled);
            });
        } finally {
            end();
        }
    }

    /** Waits for this thread's turn. */
    private void begin(Step step, int queuedRows, BooleanSupplier cancelled) {
        if (step.rows() > maxStepRows) {
            throw new IllegalArgumentException("a step of " + step.rows() + " rows, at most " + maxStepRows + " are possible");
        }
        acquire(cancelled);
        turns++;
        try {
            requireCurrent(step, queuedRows);
            for (Step.Span span : step.spans()) {
                span.cache().begin(queuedRows + span.rows());
            }
        } catch (RuntimeException | Error e) {
            end();
            throw e;
        }
    }

    private void end() {
        try {
            afterStep.run();
        } finally {
            afterStep = () -> {};
            steps.unlock();
        }
    }

    private static void requireCurrent(Step step, int queuedRows) {
        for (Step.Span span : step.spans()) {
            if (span.cache().tokens() + queuedRows != span.firstPosition()) {
                throw new IllegalStateException("the step starts at position " + span.firstPosition() + ", but its cache holds "
                        + span.cache().tokens() + " tokens");
            }
        }
    }

    /** Runs {@code action} while no step is running: at the end of the step if called by its sink, else before this method returns. */
    public void whenIdle(Runnable action) {
        steps.lock();
        try {
            if (steps.getHoldCount() > 1) {
                afterStep = action;
            } else {
                action.run();
            }
        } finally {
            steps.unlock();
        }
    }

    /**
     * Lets the caller work on the memory of caches: no step is running meanwhile.
     *
     * @param cancelled asked while waiting for other threads' steps
     * @throws CancellationException if {@code cancelled} said so, or the thread was interrupted while waiting
     * @throws IllegalStateException if called by the sink of a step
     */
    public <T> T betweenSteps(BooleanSupplier cancelled, Supplier<T> work) {
        acquire(cancelled);
        try {
            return work.get();
        } finally {
            end();
        }
    }

    private void acquire(BooleanSupplier cancelled) {
        if (steps.isHeldByCurrentThread()) {
            throw new IllegalStateException("the model cannot be run by what takes the logits of a step that is running");
        }
        try {
            do {
                check(cancelled);
            } while (!steps.tryLock(CANCELLATION_POLL_MILLIS, TimeUnit.MILLISECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted");
        }
    }

    private static void check(BooleanSupplier cancelled) {
        if (cancelled.getAsBoolean()) {
            throw new CancellationException("cancelled");
        }
    }

    // A step has the same operations whatever is read in the end, as backends that record them expect.
    private void forward(Step step, BooleanSupplier cancelled) {
        Step logitStep = step.onlyLogitRows();
        backend.runStep(step, () -> {
            layers(step, logitStep, cancelled);
            if (logitStep.rows() > 0) {
                head(0, Math.min(scratch.logits.rows(), logitStep.rows()), cancelled);
            }
        });
    }

    private void readLogits(int rows, BooleanSupplier cancelled, RowSink sink) {
        int together = scratch.logits.rows();
        for (int first = 0; first < rows; first += together) {
            int count = Math.min(together, rows - first);
            if (first > 0) {
                head(first, count, cancelled);
            }
            read(first, count, sink);
        }
    }

    private void readHidden(int rows, RowSink sink) {
        backend.rmsNorm(scratch.hidden, weights.head().norm(), 1, config.rmsEpsilon(), scratch.normed, rows);
        float[] hidden = new float[config.hidden()];
        for (int row = 0; row < rows; row++) {
            backend.read(scratch.normed, row, hidden);
            sink.accept(row, hidden);
        }
    }

    private void layers(Step step, Step logitStep, BooleanSupplier cancelled) {
        backend.embedBlock(weights.tokenEmbedding(), (float) Math.sqrt(config.hidden()), step, scratch.hidden);
        perLayerInputs(step, logitStep);
        Step current = step;
        int firstKvSharingLayer = config.firstKvSharingLayer();
        for (int i = 0; i < weights.layers().size(); i++) {
            check(cancelled);
            if (i == firstKvSharingLayer && current != logitStep) {
                // Every key and value of the step is stored: what follows matters only to the rows that want logits.
                current = gatherLogitRows(step, logitStep);
            }
            if (current.rows() > 0) {
                layer(weights.layers().get(i), current, scratch.layers.get(i));
            }
        }
        if (current != logitStep) {
            gatherLogitRows(step, logitStep);
        }
    }

    private Step gatherLogitRows(Step step, Step logitStep) {
        backend.gatherLogitRows(scratch.hidden, step, scratch.hidden);
        return logitStep;
    }

    private void perLayerInputs(Step step, Step logitStep) {
        for (PerLayerInputWeights part : weights.perLayerInputs()) {
            int first = part.firstLayer() * part.width();
            int width = part.layers() * part.width();
            boolean afterGathering = step != logitStep && part.firstLayer() == config.firstKvSharingLayer();
            if (afterGathering) {
                backend.gatherLogitRows(scratch.hidden, step, scratch.normed);
            }
            if (!afterGathering || logitStep.rows() > 0) {
                backend.perLayerInputBlock(part, config.rmsEpsilon(), afterGathering ? logitStep : step,
                        afterGathering ? scratch.normed : scratch.hidden, scratch.perLayerTokenPart.columns(first, width),
                        scratch.perLayerInputs.columns(first, width));
            }
        }
    }

    private void layer(LayerWeights layer, Step step, LayerScratch s) {
        float epsilon = config.rmsEpsilon();
        backend.attentionBlock(layer.attention(), epsilon, step, s);
        if (layer.experts() == null) {
            backend.feedForwardBlock(layer.feedForward(), epsilon, step, s);
        } else {
            backend.expertBlock(layer.feedForward(), layer.experts(), epsilon, step, s);
        }
        if (layer.perLayerEmbedding() != null) {
            backend.perLayerEmbeddingBlock(layer.perLayerEmbedding(), epsilon, step, s);
        }
        if (layer.outputScale() != 1) {
            backend.scale(s.hidden(), layer.outputScale(), step.rows());
        }
    }

    private void head(int first, int count, BooleanSupplier cancelled) {
        check(cancelled);
        backend.headBlock(weights.head(), config.rmsEpsilon(), scratch.hidden.rowsFrom(first), scratch.normed, scratch.logits, count);
    }

    private void read(int first, int count, RowSink sink) {
        for (int row = 0; row < count; row++) {
            backend.read(scratch.logits, row, logits);
            for (int token : config.suppressedTokens()) {
                logits[token] = Float.NEGATIVE_INFINITY;
            }
            sink.accept(first + row, logits);
        }
    }
}
