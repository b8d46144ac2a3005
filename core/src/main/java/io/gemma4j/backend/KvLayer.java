package io.gemma4j.backend;

import java.util.List;

/** Keys and values of one layer of one sequence, in a backend's memory. Owned by its {@link KvCache}. */
public interface KvLayer extends AutoCloseable {

    /** Shape of this cache. */
    KvLayerLayout layout();

    /** All that it holds: keys, values, and of a layer with a tail the keys and values of that. */
    List<KvStore> stores();

    /** Memory it takes now. */
    long bytes();

    @Override
    void close();
}
