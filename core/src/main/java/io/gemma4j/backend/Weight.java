package io.gemma4j.backend;

import io.gemma4j.gguf.GgmlType;

/** A matrix {@code [rows][columns]} or a vector (one row) where a backend can compute with it. Owned by the backend; immutable. */
public interface Weight {

    /** Name in the model file, for messages. */
    String name();

    /** Storage type. */
    GgmlType type();

    /** Outputs. */
    long rows();

    /** Inputs. */
    int columns();
}
