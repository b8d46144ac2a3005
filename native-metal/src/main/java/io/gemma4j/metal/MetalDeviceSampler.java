package io.gemma4j.metal;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.gemma4j.SamplingOptions;
import io.gemma4j.backend.DeviceSampler;
import io.gemma4j.backend.Step;
import io.gemma4j.sampling.Sampler;
import io.gemma4j.sampling.SplitMix64;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Tokens of one text, drawn on the GPU into memory of its own, from where the next step reads them: texts that take turns do not disturb each
 * other, and the CPU encodes a step while the GPU runs the one before.
 */
final class MetalDeviceSampler implements DeviceSampler {
    // Draws whose tokens are kept until the host reads them: more than the GPU may have under way.
    private static final int RING_STEPS = 2 * MetalStream.IN_FLIGHT;

    private final MetalBackend backend;
    private final MetalStream stream;
    private final MetalSampling sampling;
    private final Sampler sampler;
    private final MetalActivations logits;
    private final MetalBuffer nextInput;
    private final MetalBuffer results;
    private final MetalBuffer bias;
    private final MetalBuffer counts;
    private final MetalBuffer window;
    private final MetalBuffer allowed;
    private final MetalBuffer adjusted;
    private final Deque<Draw> queued = new ArrayDeque<>();
    private final Deque<Integer> fetched = new ArrayDeque<>();
    private long acceptedTokens;
    private long draws;
    private int nextPosition = -1;
    private CommittedWork undrawn; // the step that waits for its mask, or null
    private boolean closed;

    private record Draw(CommittedWork work, int place) {}

    /**
     * Allocates what drawing needs.
     *
     * @param sampler with options that {@link MetalSampling#supports}
     * @param masked whether each draw is among some tokens only
     */
    MetalDeviceSampler(MetalBackend backend, MetalDevice device, MetalStream stream, MetalSampling sampling, Sampler sampler, int[] suppressedTokens,
            MetalActivations logits, boolean masked) {
        this.backend = backend;
        this.stream = stream;
        this.sampling = sampling;
        this.sampler = sampler;
        this.logits = logits;
        SamplingOptions options = sampler.options();
        long vocabularyBytes = (long) logits.width() * Float.BYTES;
        boolean penalized = sampler.penalizes();
        boolean biased = suppressedTokens.length > 0 || !options.logitBias().isEmpty();
        nextInput = MetalBuffer.allocate(device, "a drawn token", Integer.BYTES);
        results = MetalBuffer.allocate(device, "drawn tokens", (long) RING_STEPS * Integer.BYTES);
        bias = biased ? MetalBuffer.allocate(device, "logit bias", vocabularyBytes) : null;
        counts = penalized ? MetalBuffer.allocate(device, "occurrences of tokens", vocabularyBytes) : null;
        window = penalized && options.penaltyTokens() > 0
                ? MetalBuffer.allocate(device, "penalized tokens", (long) options.penaltyTokens() * Integer.BYTES) : null;
        allowed = masked ? MetalBuffer.allocate(device, "allowed tokens", (long) Math.ceilDiv(logits.width(), Long.SIZE) * Long.BYTES) : null;
        adjusted = biased || penalized || masked ? MetalBuffer.allocate(device, "adjusted logits", vocabularyBytes) : null;
        if (biased) {
            options.logitBias().forEach((token, value) -> bias.contents().setAtIndex(JAVA_FLOAT, token, value));
            for (int token : suppressedTokens) {
                bias.contents().setAtIndex(JAVA_FLOAT, token, Float.NEGATIVE_INFINITY);
            }
        }
    }

    @Override
    public synchronized void run(Step step, Runnable operations) {
        requireOpen();
        fetchAll();
        awaitUndrawn();
        fetched.clear();
        nextPosition = -1;
        acceptedTokens = sampler.acceptedTokens();
        if (counts != null) {
            countTokens();
        }
        queue(step, operations, acceptedTokens);
    }

    // Nothing of this text is under way: its memory can be written.
    private void countTokens() {
        counts.contents().fill((byte) 0);
        int[] tokens = sampler.penalizedTokens();
        for (int i = 0; i < tokens.length; i++) {
            counts.contents().setAtIndex(JAVA_INT, tokens[i], counts.contents().getAtIndex(JAVA_INT, tokens[i]) + 1);
            if (window != null) {
                // A ring: the token at place p of the text is at p % length.
                long place = (acceptedTokens - tokens.length + i) % sampler.options().penaltyTokens();
                window.contents().setAtIndex(JAVA_INT, place, tokens[i]);
            }
        }
    }

    @Override
    public synchronized boolean runNext(Step step, Runnable operations) {
        requireOpen();
        if (step.position(0) != nextPosition) {
            return false;
        }
        if (queued.size() == RING_STEPS) {
            fetch();
        }
        backend.follow(step, nextInput.slice());
        if (counts != null) {
            sampling.accept(stream, nextInput.slice(), 1, Math.toIntExact(acceptedTokens), counts.slice(), sliceOf(window));
        }
        queue(step, operations, acceptedTokens + 1);
        return true;
    }

    private void queue(Step step, Runnable operations, long accepted) {
        if (allowed == null) {
            queueDraw(operations, accepted);
        } else {
            forgetUndrawn();
            undrawn = backend.runStepThen(operations, () -> {});
        }
        acceptedTokens = accepted;
        nextPosition = step.position(step.rows() - 1) + 1;
    }

    private void queueDraw(Runnable operations, long accepted) {
        int place = (int) (draws % RING_STEPS);
        CommittedWork work = backend.runStepThen(operations, () -> draw(place, accepted));
        queued.add(new Draw(work, place));
        draws++;
    }

    @Override
    public synchronized void draw(long[] mask) {
        requireOpen();
        if (undrawn == null) {
            throw new IllegalStateException("there is no step whose token could be drawn");
        }
        if (mask.length != allowed.contents().byteSize() / Long.BYTES) {
            throw new IllegalArgumentException("a mask of " + allowed.contents().byteSize() / Long.BYTES + " words is needed, this one has " + mask.length);
        }
        // The GPU has read the mask before.
        fetchAll();
        MemorySegment.copy(mask, 0, allowed.contents(), JAVA_LONG, 0, mask.length);
        queueDraw(() -> {}, acceptedTokens);
        forgetUndrawn();
    }

    private void forgetUndrawn() {
        if (undrawn != null) {
            undrawn.close();
            undrawn = null;
        }
    }

    private void draw(int place, long accepted) {
        BufferSlice from = logits.floats().first(1);
        if (adjusted != null) {
            sampling.adjust(stream, from, sliceOf(bias), sliceOf(counts), sliceOf(allowed), sampler.options(), adjusted.slice());
            from = adjusted.slice();
        }
        MetalSampling.Target target = new MetalSampling.Target(nextInput.slice(), results.slice((long) place * Integer.BYTES, Integer.BYTES));
        sampling.sample(stream, from, sampler.options(), SplitMix64.uniform(sampler.seed(), accepted), target);
    }

    private static BufferSlice sliceOf(MetalBuffer buffer) {
        return buffer == null ? null : buffer.slice();
    }

    private void fetch() {
        Draw draw = queued.remove();
        try (CommittedWork work = draw.work()) {
            work.await();
            fetched.add(results.contents().getAtIndex(JAVA_INT, draw.place()));
        }
    }

    private void fetchAll() {
        while (!queued.isEmpty()) {
            fetch();
        }
    }

    // What is left reads and writes the memory of the text, but its token is not drawn.
    private void awaitUndrawn() {
        if (undrawn != null) {
            undrawn.await();
            forgetUndrawn();
        }
    }

    @Override
    public synchronized int take() {
        if (fetched.isEmpty()) {
            if (closed || queued.isEmpty()) {
                throw new IllegalStateException("no token was drawn that is not taken");
            }
            fetch();
        }
        return fetched.remove();
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the sampler is closed");
        }
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            fetchAll();
            awaitUndrawn();
        } catch (MetalException e) {
            // A GPU that has failed says so to whoever wants something of it.
            queued.forEach(draw -> draw.work().close());
            forgetUndrawn();
        }
        queued.clear();
        fetched.clear();
        for (MetalBuffer buffer : new MetalBuffer[] {nextInput, results, bias, counts, window, allowed, adjusted}) {
            if (buffer != null) {
                buffer.close();
            }
        }
        backend.forget(this);
    }
}
