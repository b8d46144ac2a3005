package io.gemma4j.cuda;

import io.gemma4j.backend.Step;
import java.util.SortedSet;

/**
 * What a step of one row queues, recorded once and repeated for later ones: they differ only in what {@link StepInputs} has on the device. The
 * first such step runs as it is, which loads its kernels and allocates what they need; the second is recorded. Used by one thread at a time.
 * Whoever created it closes it.
 */
final class RecordedStep implements AutoCloseable {
    private final CudaStream stream;
    private final StepInputs inputs;
    private CudaGraph graph;
    private boolean prepared;

    RecordedStep(CudaStream stream) {
        this.stream = stream;
        inputs = new StepInputs(stream.context(), this::discard);
    }

    /** Where kernels find the step. */
    StepInputs inputs() {
        return inputs;
    }

    /**
     * Runs a step.
     *
     * @param operations queues what it consists of
     */
    void run(Step step, SortedSet<Integer> owningLayers, Runnable operations) {
        inputs.set(step, owningLayers, stream);
        if (!prepared) {
            prepared = true;
            operations.run();
            return;
        }
        if (graph == null) {
            graph = stream.record(operations);
        }
        graph.launch(stream);
    }

    /** Forgets what is recorded: memory that it uses is about to be freed. */
    void discard() {
        prepared = false;
        if (graph != null) {
            graph.close();
            graph = null;
        }
    }

    @Override
    public void close() {
        discard();
        inputs.close();
    }
}
