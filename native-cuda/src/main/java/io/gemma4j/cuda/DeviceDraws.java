package io.gemma4j.cuda;

import io.gemma4j.backend.Step;
import io.gemma4j.sampling.Sampler;
import java.util.Set;
import java.util.SortedSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * Steps after which the device draws a token. Texts may take turns: {@link SamplingState} has one at a time. Used by one thread at a time, except for
 * what {@link CudaDeviceSampler} says of itself. Closing ends all of them.
 */
final class DeviceDraws implements AutoCloseable {
    private final CudaStream stream;
    private final RecordedStep recorded;
    private final SamplingState state;
    private final Supplier<CudaMatvec.Maxima> maxima;
    private final Supplier<SortedSet<Integer>> owningLayers;
    private final Set<CudaDeviceSampler> open = ConcurrentHashMap.newKeySet();

    /**
     * Takes over {@code state}.
     *
     * @param maxima the largest logits of the step just queued, or null
     * @param owningLayers the layers that own keys and values
     */
    DeviceDraws(CudaStream stream, RecordedStep recorded, SamplingState state, Supplier<CudaMatvec.Maxima> maxima,
            Supplier<SortedSet<Integer>> owningLayers) {
        this.stream = stream;
        this.recorded = recorded;
        this.state = state;
        this.maxima = maxima;
        this.owningLayers = owningLayers;
    }

    CudaDeviceSampler open(Sampler sampler, int[] suppressedTokens, CudaActivations logits, boolean masked) {
        CudaDeviceSampler opened = new CudaDeviceSampler(this, stream.context(), state, sampler, suppressedTokens, logits, masked);
        open.add(opened);
        return opened;
    }

    /** A sampler is closed. */
    void forget(CudaDeviceSampler sampler) {
        open.remove(sampler);
    }

    /** Makes room for a step that draws nothing. */
    void release() {
        state.release();
    }

    /** Queues a step, whose tokens the host knows, and the draw of the next one, unless that waits for a mask; then {@code done} is reached. */
    void run(Step step, Runnable operations, CudaDeviceSampler sampler, CudaEvent done) {
        if (step.rows() == 1) {
            recorded.set(step, owningLayers.get());
            runRecorded(operations, sampler);
        } else {
            operations.run();
            recorded.set(step.onlyLogitRows(), owningLayers.get());
            if (!sampler.kernels().masked()) {
                draw(sampler);
            }
        }
        done.record(stream);
    }

    /** The same for the step that the last draw left on the device. */
    void runNext(Step step, Runnable operations, CudaDeviceSampler sampler, CudaEvent done) {
        recorded.inputs().follow(step);
        runRecorded(operations, sampler);
        done.record(stream);
    }

    private void runRecorded(Runnable operations, CudaDeviceSampler sampler) {
        if (sampler.kernels().masked()) {
            recorded.run(operations);
        } else {
            recorded.run(sampler.kernels(), () -> {
                operations.run();
                draw(sampler);
            });
        }
    }

    /** Queues the draw of a token after the step that was queued last, among those that are allowed; then {@code drawn} is reached. */
    void draw(CudaDeviceSampler sampler, CudaEvent drawn) {
        draw(sampler);
        drawn.record(stream);
    }

    private void draw(CudaDeviceSampler sampler) {
        state.draw(sampler.kernels(), sampler.logits(), maxima.get(), recorded.inputs());
    }

    @Override
    public void close() {
        open.forEach(CudaDeviceSampler::close);
        state.close();
    }
}
