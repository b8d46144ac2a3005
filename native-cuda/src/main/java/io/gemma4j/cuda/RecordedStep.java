package io.gemma4j.cuda;

import io.gemma4j.backend.Step;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;

/**
 * What steps of one row queue, recorded once and repeated for later ones: they differ only in what {@link StepInputs} has on the device, and in
 * the kernels that draw. The first step of a kind runs as it is, which loads its kernels and allocates what they need; the second is recorded.
 * Used by one thread at a time. Whoever created it closes it.
 */
final class RecordedStep implements AutoCloseable {
    private static final String STEP = "step";

    /** What tells apart steps that queue different work. */
    private record Variant(Object kind, boolean isShort) {}

    private final CudaStream stream;
    private final boolean repeats;
    private final StepInputs inputs;
    private final Map<Variant, CudaGraph> graphs = new HashMap<>();
    private final Set<Variant> prepared = new HashSet<>();

    /** @param repeats whether anything is recorded; without, every step runs as it is */
    RecordedStep(CudaStream stream, boolean repeats) {
        this.stream = stream;
        this.repeats = repeats;
        inputs = new StepInputs(stream.context(), this::discard);
    }

    /** Where kernels find the step. */
    StepInputs inputs() {
        return inputs;
    }

    /** Brings a step to the device. */
    void set(Step step, SortedSet<Integer> owningLayers) {
        inputs.set(step, owningLayers, stream);
    }

    /** Runs the step that {@link #inputs} has, without more. */
    void run(Runnable operations) {
        run(STEP, operations);
    }

    /**
     * Runs the step that {@link #inputs} has.
     *
     * @param kind what tells apart steps that queue different work, but for the attention over few tokens
     * @param operations queues what it consists of
     */
    void run(Object kind, Runnable operations) {
        Variant variant = new Variant(kind, CudaAttention.isShort(inputs.step()));
        if (!repeats || !prepared.contains(variant)) {
            operations.run();
            // Only now: a step that was cancelled has not prepared the next one.
            prepared.add(variant);
            return;
        }
        CudaGraph graph = graphs.get(variant);
        if (graph == null) {
            graph = stream.record(operations);
            graphs.put(variant, graph);
        }
        graph.launch(stream);
    }

    /** Forgets what is recorded: memory that it uses is about to be freed. */
    void discard() {
        prepared.clear();
        graphs.values().forEach(CudaGraph::close);
        graphs.clear();
    }

    @Override
    public void close() {
        discard();
        inputs.close();
    }
}
