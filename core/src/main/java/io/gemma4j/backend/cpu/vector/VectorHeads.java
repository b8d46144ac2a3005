package io.gemma4j.backend.cpu.vector;

import io.gemma4j.KvType;
import io.gemma4j.backend.cpu.kernel.FloatHeads;
import io.gemma4j.backend.cpu.kernel.HeadKernel;
import io.gemma4j.gguf.GgmlType;

/** The Vector API kernels by type of key/value cache. Thread-safe. */
public final class VectorHeads {

    private VectorHeads() {}

    /** The kernel of {@code type}. */
    public static HeadKernel of(KvType type) {
        return switch (type) {
            case F32 -> new FloatHeads(VectorRows.of(GgmlType.F32));
            case F16 -> new FloatHeads(VectorRows.of(GgmlType.F16));
            case Q8_0 -> new OutOfLineHeads(new Q8_0Heads());
            case TQ4 -> new OutOfLineHeads(new TQ4Heads());
        };
    }
}
