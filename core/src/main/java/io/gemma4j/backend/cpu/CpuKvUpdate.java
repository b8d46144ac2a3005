package io.gemma4j.backend.cpu;

import io.gemma4j.KvType;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.Step;
import io.gemma4j.backend.cpu.kernel.FloatKernels;
import io.gemma4j.backend.cpu.kernel.HeadKernel;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Stores keys and values of a step, each row a task. */
final class CpuKvUpdate {
    private final WorkerPool pool;
    private final KernelSet kernels;
    private final FloatKernels floats;
    private final HeadKernel tailHeads;
    private final WorkerScratch scratch;
    // Made once: a loop's body made for each step would be garbage of each step.
    private final WorkerPool.Body storeBody = this::store;

    private CpuActivations keys;
    private CpuActivations values;
    private List<Step.Span> spans;
    private int owner;

    CpuKvUpdate(WorkerPool pool, KernelSet kernels) {
        this.pool = pool;
        this.kernels = kernels;
        floats = kernels.floats();
        tailHeads = kernels.heads(KvType.F16);
        scratch = new WorkerScratch(pool.workers(), 1);
    }

    /** See {@link io.gemma4j.backend.Operations#kvUpdate}. */
    void kvUpdate(CpuActivations stepKeys, CpuActivations stepValues, Step step, int ownerLayer) {
        keys = stepKeys;
        values = stepValues;
        spans = step.spans();
        owner = ownerLayer;
        for (Step.Span span : spans) {
            CpuKvLayer kv = (CpuKvLayer) span.cache().layer(owner);
            for (int position = span.firstPosition(); position < span.firstPosition() + span.rows(); position++) {
                kv.first().reserve(kv.first().slot(position));
                if (kv.tail() != null) {
                    kv.tail().reserve(kv.tail().slot(position));
                }
            }
        }
        pool.run(step.rows(), storeBody);
    }

    private void store(int row, int worker) {
        int index = 0;
        while (row >= spans.get(index).firstRow() + spans.get(index).rows()) {
            index++;
        }
        Step.Span span = spans.get(index);
        CpuKvLayer kv = (CpuKvLayer) span.cache().layer(owner);
        int position = span.firstPosition() + row - span.firstRow();
        for (int head = 0; head < kv.layout().kvHeads(); head++) {
            int at = head * kv.layout().headDim();
            store(kv, head, position, keys.data(), keys.row(row) + at, false, worker);
            store(kv, head, position, values.data(), values.row(row) + at, true, worker);
        }
    }

    private void store(CpuKvLayer kv, int head, int position, float[] x, int offset, boolean value, int worker) {
        KvLayerLayout layout = kv.layout();
        HeadKernel heads = kernels.heads(layout.type());
        if (kv.tail() == null) {
            store(heads, x, offset, layout.headDim(), kv.first(), head, position, value);
        } else {
            float[] rotated = scratch.floats(worker, 0, layout.headDim());
            System.arraycopy(x, offset, rotated, 0, layout.headDim());
            floats.rotateHead(rotated, 0, layout.headDim());
            store(heads, rotated, 0, layout.headDim(), kv.first(), head, position, value);
            store(tailHeads, rotated, 0, layout.headDim(), kv.tail(), head, position, value);
        }
    }

    private static void store(HeadKernel heads, float[] x, int offset, int headDim, KvPages pages, int head, int position, boolean value) {
        int slot = pages.slot(position);
        MemorySegment to = value ? pages.values(slot) : pages.keys(slot);
        heads.store(x, offset, headDim, to, pages.offset(head, slot));
    }
}
