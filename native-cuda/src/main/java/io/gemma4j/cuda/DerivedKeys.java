package io.gemma4j.cuda;

import io.gemma4j.KvType;
import io.gemma4j.backend.AttentionWeights;
import io.gemma4j.backend.KvLayerLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Keys that follow from values: where values are the raw keys, element {@code i} of a key that does not turn is element {@code i} of the value times
 * {@code keyNorm[i]}. So a cache stores of a key only the elements of the first pairs, those that turn, which makes it 640 instead of 1024 elements for each
 * position and head, and queries are multiplied with the key norm instead. One object for all caches of a layer, created by any thread and then used by one at
 * a time. Closing frees its norms.
 */
final class DerivedKeys implements AutoCloseable {
    /** Elements of the heads that there are kernels for. */
    static final int HEAD_DIM = 512;
    /** Pairs of them that are stored. */
    static final int PAIRS = 64;

    private final CudaStream stream;
    private final CudaWeight norm;
    private final Map<CudaWeight, CudaBuffer> queryNorms = new IdentityHashMap<>();
    private CudaBuffer keyNorm;
    private float[] normValues;

    /** {@code norm}: of the keys. */
    DerivedKeys(CudaStream stream, CudaWeight norm) {
        this.stream = stream;
        this.norm = norm;
    }

    /** Whether the keys of a layer can be derived. */
    static boolean apply(KvLayerLayout layout, AttentionWeights owner) {
        return layout.type() == KvType.F16 && layout.headDim() == HEAD_DIM && owner.ownsKv() && owner.value() == null && owner.rope().turningPairs() <= PAIRS;
    }

    /** Whether an element of a key is stored. */
    static boolean isStored(int element) {
        return element % (HEAD_DIM / 2) < PAIRS;
    }

    /** {@code float[HEAD_DIM]}: the key norm as it is. */
    DevicePointer norm() {
        return norm.vector();
    }

    /** The values of {@link #norm}. */
    float[] normValues() {
        if (normValues == null) {
            normValues = download(norm);
        }
        return normValues;
    }

    /** {@code float[HEAD_DIM]}: the key norm, with 1 for what is not stored: what a key then has there is the value. */
    DevicePointer keyNorm() {
        if (keyNorm == null) {
            float[] values = normValues().clone();
            for (int i = 0; i < HEAD_DIM; i++) {
                values[i] = isStored(i) ? values[i] : 1;
            }
            keyNorm = upload(values);
        }
        return keyNorm.pointer();
    }

    /** {@code float[HEAD_DIM]}: a query norm, times the key norm for what is not stored. */
    DevicePointer queryNorm(CudaWeight queryNorm) {
        return queryNorms.computeIfAbsent(queryNorm, weight -> {
            float[] values = download(weight);
            for (int i = 0; i < HEAD_DIM; i++) {
                values[i] *= isStored(i) ? 1 : normValues()[i];
            }
            return upload(values);
        }).pointer();
    }

    private float[] download(CudaWeight vector) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment values = arena.allocate(ValueLayout.JAVA_FLOAT, HEAD_DIM);
            stream.download(vector.vector(), values);
            stream.synchronize();
            return values.toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    private CudaBuffer upload(float[] values) {
        try (Arena arena = Arena.ofConfined()) {
            return CudaBuffer.of(stream, "norms of derived keys", arena.allocateFrom(ValueLayout.JAVA_FLOAT, values));
        }
    }

    @Override
    public void close() {
        queryNorms.values().forEach(CudaBuffer::close);
        queryNorms.clear();
        if (keyNorm != null) {
            keyNorm.close();
        }
    }
}
