package io.gemma4j.backend;

import io.gemma4j.sampling.Sampler;
import io.gemma4j.tensor.QuantizedTensor;
import java.util.Optional;

/**
 * One model's place on a device: memory, operations, blocks. Used by one thread at a time, except for {@link #allocateKv} and {@link #freeBytes},
 * which any thread may call. Owned by whoever opened it; closing frees everything it handed out.
 */
public interface ModelBackend extends Blocks, AutoCloseable {

    /** What {@link #preferredStepRows} is where the backend says nothing else. */
    int DEFAULT_STEP_ROWS = 512;

    /** Short name, e.g. {@code cpu}. */
    String name();

    /** One line for people: device, kernels, what is notable. */
    String describe();

    /** Rows of a step with which long prompts are read fast, and beyond which there is little to gain. */
    default int preferredStepRows() {
        return DEFAULT_STEP_ROWS;
    }

    /**
     * Memory for activations, keys and values that could be had now beside the model's weights, uploaded or not: of the device, or of the computer
     * where that has them.
     *
     * @return bytes, a snapshot
     */
    long freeBytes();

    /**
     * How many rows a step may have.
     *
     * @param wantedRows what the caller would like
     * @param bytesPerRow activations that each row takes
     * @return at least 1, at most {@code wantedRows}
     */
    int maxStepRows(int wantedRows, long bytesPerRow);

    /** Makes a matrix or vector available for computing; the bytes stay as the file has them or are permuted without loss. */
    Weight upload(QuantizedTensor tensor);

    /** Memory for activations. */
    Activations allocateActivations(int rows, int width);

    /** Memory for the choice of experts. */
    Routing allocateRouting(int rows, int expertsPerRow);

    /**
     * Runs the operations of a step. What they compute depends on the step's tokens, positions and caches, but which operations there are, and on
     * which activations, depends only on its number of rows and of rows that want logits: a backend may therefore record them once and repeat
     * that for later steps, without calling {@code operations} again.
     *
     * @param operations calls the operations of {@code step}, in order; reads nothing
     */
    default void runStep(Step step, Runnable operations) {
        operations.run();
    }

    /**
     * What draws tokens on the device, as {@code sampler} would on the host.
     *
     * @param sampler of one text; read whenever the device has to be told about the text again
     * @param suppressedTokens never drawn
     * @param logits whose first row has the logits once the operations of a step are done
     * @param masked whether each token is drawn among some tokens only, when {@link DeviceSampler#draw} says so
     * @return empty where tokens are drawn on the host
     */
    default Optional<DeviceSampler> newDeviceSampler(Sampler sampler, int[] suppressedTokens, Activations logits, boolean masked) {
        return Optional.empty();
    }

    /** Memory for keys and values of one layer of one sequence. */
    KvLayer allocateKv(KvLayerLayout layout);

    /**
     * The same for a layer whose weights are known: where values are the raw keys, a backend may store once what follows from each other.
     *
     * @param owner of the layer that writes them; all steps are its, or of layers that share its cache
     */
    default KvLayer allocateKv(KvLayerLayout layout, AttentionWeights owner) {
        return allocateKv(layout);
    }

    /** Bytes of what that allocates, once all positions are filled. */
    default long kvBytes(KvLayerLayout layout, AttentionWeights owner) {
        return layout.bytes(layout.slots());
    }

    @Override
    void close();
}
