package io.gemma4j.backend;

/** Keys and values of one layer of one sequence, in a backend's memory. Owned by its {@link KvCache}. */
public interface KvLayer extends AutoCloseable {

    /** Shape of this cache. */
    KvLayerLayout layout();

    @Override
    void close();
}
