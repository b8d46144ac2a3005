package io.gemma4j.backend;

/**
 * A matrix of 32-bit floats {@code [rows][width]} in a backend's memory, one row for each token. Owned by the backend that allocated it;
 * not thread-safe.
 */
public interface Activations {

    /** Rows there is room for. */
    int rows();

    /** Elements of one row. */
    int width();

    /** The columns {@code [first, first + count)} of the same memory. */
    Activations columns(int first, int count);

    /** The rows from {@code first} on of the same memory. */
    Activations rowsFrom(int first);
}
