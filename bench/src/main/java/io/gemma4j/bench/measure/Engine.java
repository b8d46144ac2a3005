package io.gemma4j.bench.measure;

/** A loaded model with one sequence. Used by one thread at a time; owns what it loaded. */
public interface Engine extends AutoCloseable {

    /** Short name for tables. */
    String name();

    /** One line: version, hardware, kernels. */
    String description();

    /** Forgets the sequence. */
    void clear();

    /** Adds tokens to the sequence, together as a prompt is, up to the logits after the last. */
    void feed(int[] tokens);

    /**
     * Adds as many tokens one after the other, as generation does: the first of {@code tokens}, and then either the others or those that the engine
     * draws itself.
     */
    default void generate(int[] tokens) {
        for (int token : tokens) {
            feed(new int[] {token});
        }
    }

    @Override
    void close();
}
