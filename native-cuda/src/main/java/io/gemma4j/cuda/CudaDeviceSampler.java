package io.gemma4j.cuda;

import io.gemma4j.backend.DeviceSampler;
import io.gemma4j.backend.Step;
import io.gemma4j.sampling.Sampler;
import java.util.ArrayDeque;
import java.util.Deque;

/** One text's tokens, drawn in {@link SamplingState}; see there for what happens when texts take turns. */
final class CudaDeviceSampler implements DeviceSampler {
    private final DeviceDraws draws;
    private final SamplingState state;
    private final Sampler sampler;
    private final int[] suppressedTokens;
    private final CudaActivations logits;
    private final SamplingState.Kernels kernels;
    private final CudaEvent[] drawn = new CudaEvent[SamplingState.RING_STEPS];
    private final Deque<Integer> fetched = new ArrayDeque<>();
    private long queuedDraws;
    private long fetchedDraws;
    private int nextPosition;
    private boolean undrawn; // the event of the next draw is that of a step which waits for its mask
    private boolean closed;

    CudaDeviceSampler(DeviceDraws draws, CudaContext context, SamplingState state, Sampler sampler, int[] suppressedTokens, CudaActivations logits,
            boolean masked) {
        this.draws = draws;
        this.state = state;
        this.sampler = sampler;
        this.suppressedTokens = suppressedTokens;
        this.logits = logits;
        kernels = SamplingState.Kernels.of(sampler, suppressedTokens, masked);
        for (int i = 0; i < drawn.length; i++) {
            drawn[i] = new CudaEvent(context);
        }
    }

    Sampler sampler() {
        return sampler;
    }

    int[] suppressedTokens() {
        return suppressedTokens;
    }

    SamplingState.Kernels kernels() {
        return kernels;
    }

    CudaActivations logits() {
        return logits;
    }

    @Override
    public synchronized void run(Step step, Runnable operations) {
        requireOpen();
        state.load(this, logits.width());
        queuedDraws = 0;
        fetchedDraws = 0;
        draws.run(step, operations, this, event(queuedDraws));
        queued(step);
    }

    @Override
    public synchronized boolean runNext(Step step, Runnable operations) {
        requireOpen();
        if (!state.isOf(this) || step.position(0) != nextPosition) {
            return false;
        }
        if (queuedDraws - fetchedDraws == SamplingState.RING_STEPS) {
            fetch();
        }
        draws.runNext(step, operations, this, event(queuedDraws));
        queued(step);
        return true;
    }

    private void queued(Step step) {
        nextPosition = step.position(step.rows() - 1) + 1;
        if (kernels.masked()) {
            undrawn = true;
        } else {
            queuedDraws++;
        }
    }

    @Override
    public synchronized void draw(long[] allowed) {
        requireOpen();
        if (!undrawn || !state.isOf(this)) {
            throw new IllegalStateException("there is no step whose token could be drawn");
        }
        fetchAll();
        state.allow(allowed);
        draws.draw(this, event(queuedDraws));
        undrawn = false;
        queuedDraws++;
    }

    private CudaEvent event(long draw) {
        return drawn[(int) (draw % drawn.length)];
    }

    private void fetch() {
        event(fetchedDraws).synchronize();
        fetched.add(state.token(fetchedDraws));
        fetchedDraws++;
    }

    /** Brings to the host what is drawn: another text will be. */
    synchronized void fetchAll() {
        while (fetchedDraws < queuedDraws) {
            fetch();
        }
    }

    @Override
    public synchronized int take() {
        if (fetched.isEmpty()) {
            if (closed || fetchedDraws == queuedDraws) {
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
            if (undrawn) {
                event(queuedDraws).synchronize();
            }
        } catch (CudaException e) {
            // A device that has failed says so to whoever wants something of it.
        }
        fetchedDraws = queuedDraws;
        fetched.clear();
        for (CudaEvent event : drawn) {
            event.close();
        }
        draws.forget(this);
    }
}
