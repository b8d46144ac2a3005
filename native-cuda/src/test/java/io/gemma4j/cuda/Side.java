package io.gemma4j.cuda;

import io.gemma4j.CpuKernels;
import io.gemma4j.KvType;
import io.gemma4j.backend.Activations;
import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.LayerScratch;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.Step;
import io.gemma4j.backend.Weight;
import io.gemma4j.gguf.GgmlType;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.ServiceLoader;
import java.util.stream.IntStream;

/** One of two backends that are asked the same. Activations get in as rows of a table, and out row by row. */
record Side(ModelBackend backend) implements AutoCloseable {

    /** The definition. */
    static Side scalar() {
        return open("cpu");
    }

    /** What is tested. */
    static Side gpu() {
        return open("cuda");
    }

    private static Side open(String name) {
        BackendProvider wanted = ServiceLoader.load(BackendProvider.class, Side.class.getClassLoader()).stream()
                .map(ServiceLoader.Provider::get).filter(provider -> provider.name().equals(name)).findFirst().orElseThrow();
        try {
            return new Side(wanted.open(new BackendOptions(2, CpuKernels.SCALAR)));
        } catch (BackendProvider.UnavailableException e) {
            throw new IllegalStateException(e);
        }
    }

    Activations put(float[][] values) {
        Activations to = backend.allocateActivations(values.length, values[0].length);
        put(values, to);
        return to;
    }

    void put(float[][] values, Activations to) {
        try (KvCache none = new KvCache(List.of(), 1, values.length)) {
            backend.embed(backend.upload(RandomTensors.of(values)), Step.of(none, IntStream.range(0, values.length).toArray(), Step.LogitRows.NONE), 0,
                    1, to);
        }
    }

    float[][] get(Activations from, int rows) {
        float[][] values = new float[rows][from.width()];
        for (int row = 0; row < rows; row++) {
            backend.read(from, row, values[row]);
        }
        return values;
    }

    /** A matrix of random bits. */
    Weight matrix(GgmlType type, long rows, int columns, Random random) {
        return backend.upload(RandomTensors.of(type, rows, columns, random));
    }

    /** A vector of Gaussians times {@code scale}. */
    Weight vector(int width, double scale, Random random) {
        float[][] values = RandomTensors.gaussians(1, width, random);
        for (int i = 0; i < width; i++) {
            values[0][i] *= (float) scale;
        }
        return backend.upload(RandomTensors.of(values));
    }

    /**
     * What blocks of a layer need.
     *
     * @param hidden the residual
     * @param queries elements of all query heads
     * @param keys elements of all key heads
     * @param width of gate and up
     * @param experts null where there are none
     */
    LayerScratch scratch(Activations hidden, int queries, int keys, int width, LayerScratch.ExpertScratch experts) {
        int rows = hidden.rows();
        Activations gateUp = backend.allocateActivations(rows, 2 * width);
        return new LayerScratch(hidden, backend.allocateActivations(rows, hidden.width()), backend.allocateActivations(rows, queries),
                backend.allocateActivations(rows, keys), backend.allocateActivations(rows, keys), backend.allocateActivations(rows, queries), gateUp,
                gateUp.columns(0, width), gateUp.columns(width, width), backend.allocateActivations(rows, hidden.width()), null, null, experts);
    }

    /** Caches of a model with one layer, for steps of any length. */
    KvCache cache(int kvHeads, int headDim, int slots, KvType type, int contextTokens) {
        return cache(KvLayerLayout.of(0, kvHeads, headDim, slots, type, contextTokens), contextTokens);
    }

    /** Caches of a model with one layer, the first. */
    KvCache cache(KvLayerLayout layout, int contextTokens) {
        return new KvCache(new ArrayList<>(List.of(backend.allocateKv(layout))), 1, contextTokens);
    }

    /** Stores random keys and values up to a number of positions, in steps. */
    void fill(KvCache cache, int tokens, int width, int maxStepRows, Random random) {
        while (cache.tokens() < tokens) {
            int rows = Math.min(maxStepRows, tokens - cache.tokens());
            Step step = Step.of(cache, new int[rows], Step.LogitRows.NONE);
            cache.begin(rows);
            backend.kvUpdate(put(RandomTensors.gaussians(rows, width, random)), put(RandomTensors.gaussians(rows, width, random)), step, 0);
            cache.append(rows);
        }
    }

    @Override
    public void close() {
        backend.close();
    }
}
