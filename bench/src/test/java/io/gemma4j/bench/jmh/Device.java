package io.gemma4j.bench.jmh;

import io.gemma4j.CpuKernels;
import io.gemma4j.backend.Activations;
import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider;
import io.gemma4j.backend.BackendProvider.UnavailableException;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.Operations;
import io.gemma4j.backend.Step;
import io.gemma4j.backend.Step.LogitRows;
import io.gemma4j.backend.Weight;
import io.gemma4j.bench.synth.Distribution;
import io.gemma4j.bench.synth.RandomElements;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.QuantizedTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.List;
import java.util.ServiceLoader;

/** A backend as an application finds it, with random weights and activations on it. Owns all of them. */
final class Device implements AutoCloseable {
    private static final int CHUNK_BLOCKS = 1 << 12;

    private final Arena arena = Arena.ofShared();
    private final ModelBackend backend;
    private long seed;

    private Device(ModelBackend backend) {
        this.backend = backend;
    }

    /** The processor with so many threads, 0 for its default. */
    static Device processor(int threads) {
        BackendProvider provider = ServiceLoader.load(BackendProvider.class).stream().map(ServiceLoader.Provider::get)
                .filter(candidate -> candidate.name().equals("cpu")).findFirst().orElseThrow();
        try {
            return new Device(provider.open(new BackendOptions(threads, CpuKernels.VECTOR)));
        } catch (UnavailableException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What it computes. */
    Operations operations() {
        return backend;
    }

    /** A matrix whose outputs deviate as much as its inputs. */
    QuantizedTensor matrix(GgmlType type, long rows, int columns) {
        MemorySegment bytes = arena.allocate(rows * type.rowBytes(columns), 64);
        RandomElements random = new RandomElements(++seed);
        long chunk = (long) CHUNK_BLOCKS * type.blockBytes();
        for (long at = 0; at < bytes.byteSize(); at += chunk) {
            MemorySegment part = bytes.asSlice(at, Math.min(chunk, bytes.byteSize() - at));
            random.fill(type, Distribution.symmetric(1 / Math.sqrt(columns)), 0, part.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN));
        }
        return QuantizedTensor.of("random", type, rows, columns, bytes);
    }

    Weight upload(QuantizedTensor tensor) {
        return backend.upload(tensor);
    }

    Activations zeros(int rows, int width) {
        return backend.allocateActivations(rows, width);
    }

    /** Activations that deviate by one; the rows of a table, as an embedding gives them. */
    Activations activations(int rows, int width) {
        Activations activations = zeros(rows, width);
        try (KvCache none = new KvCache(List.of(), 1, rows)) {
            int[] tokens = new int[rows];
            for (int row = 0; row < rows; row++) {
                tokens[row] = row;
            }
            Weight table = upload(matrix(GgmlType.F32, rows, width));
            backend.embed(table, Step.of(none, tokens, LogitRows.NONE), 0, (float) Math.sqrt(width), activations);
        }
        return activations;
    }

    float[] read(Activations activations, int row) {
        float[] values = new float[activations.width()];
        backend.read(activations, row, values);
        return values;
    }

    /** A cache of one layer, filled with {@code tokens} random keys and values. */
    KvCache cache(KvLayerLayout layout, int contextTokens, int tokens) {
        KvCache cache = new KvCache(List.of(backend.allocateKv(layout)), 1, contextTokens);
        int width = layout.kvHeads() * layout.headDim();
        Activations keys = activations(256, width);
        Activations values = activations(256, width);
        // Keys as the norms make them: scores deviate by two.
        backend.scale(keys, 2 / (float) Math.sqrt(layout.headDim()), 256);
        for (int first = 0; first < tokens; first += 256) {
            int count = Math.min(256, tokens - first);
            backend.kvUpdate(keys, values, Step.of(cache, new int[count], LogitRows.NONE), 0);
            cache.append(count);
        }
        return cache;
    }

    @Override
    public void close() {
        backend.close();
        arena.close();
    }
}
