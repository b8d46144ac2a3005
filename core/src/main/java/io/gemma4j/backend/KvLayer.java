package io.gemma4j.backend;

import java.util.List;

/** Keys and values of one layer of one sequence, in a backend's memory. Owned by its {@link KvCache}. */
public interface KvLayer extends AutoCloseable {

    /** Shape of this cache. */
    KvLayerLayout layout();

    /** All that it holds: keys, values, and whatever else the type of the elements needs; always in the same order. */
    List<KvStore> stores();

    /** Memory it takes now. */
    long bytes();

    @Override
    void close();
}
