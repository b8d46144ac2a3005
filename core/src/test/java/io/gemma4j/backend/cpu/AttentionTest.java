package io.gemma4j.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.gemma4j.CpuKernels;
import io.gemma4j.KvType;
import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.Step;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AttentionTest extends AttentionContract {
    private static final int CONTEXT = 600;
    private static final int HEAD_DIM = 64;

    AttentionTest() {
        super(CpuKernels.SCALAR);
    }

    /** A step of the same shape as one before makes no arrays: an object for each loop is all. */
    @ParameterizedTest
    @EnumSource
    void stepsReuseTheirMemory(KvType type) throws BackendProvider.UnavailableException {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Random random = new Random(13);
        KvLayerLayout layout = KvLayerLayout.of(0, 1, HEAD_DIM, CONTEXT, type, CONTEXT);
        // One worker: everything is allocated by this thread.
        try (CpuBackend alone = (CpuBackend) new CpuBackendProvider().open(new BackendOptions(1, CpuKernels.SCALAR));
                KvCache cache = new KvCache(List.of(alone.allocateKv(layout)), 1, CONTEXT)) {
            CpuActivations keys = activations(uniform(CONTEXT - 1, HEAD_DIM, 1, random));
            alone.kvUpdate(keys, keys, Step.of(cache, new int[CONTEXT - 1], Step.LogitRows.LAST), 0);
            cache.append(CONTEXT - 1);
            Step step = Step.of(cache, new int[1], Step.LogitRows.LAST);
            CpuActivations queries = activations(uniform(1, 2 * HEAD_DIM, 1, random));
            CpuActivations out = blank(1, 2 * HEAD_DIM);
            long allocatedBytes = 0;
            for (int i = 0; i < 20; i++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                alone.kvUpdate(keys, keys, step, 0);
                alone.attention(queries, step, 0, 2, Integer.MAX_VALUE, out);
                allocatedBytes = threads.getCurrentThreadAllocatedBytes() - before;
            }
            assertTrue(allocatedBytes < 1000, allocatedBytes + " bytes");
        }
    }
}
