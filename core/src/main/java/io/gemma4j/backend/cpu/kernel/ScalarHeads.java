package io.gemma4j.backend.cpu.kernel;

import io.gemma4j.KvType;
import io.gemma4j.gguf.GgmlType;

/** The plain Java kernels by type of key/value cache, one element at a time. Thread-safe. */
public final class ScalarHeads {

    private ScalarHeads() {}

    /** The kernel of {@code type}. */
    public static HeadKernel of(KvType type) {
        return switch (type) {
            case F32 -> new FloatHeads(ScalarRows.of(GgmlType.F32));
            case F16 -> new FloatHeads(ScalarRows.of(GgmlType.F16));
            case Q8_0 -> new ScalarQ8_0Heads();
            case TQ4 -> new ScalarTQ4Heads();
        };
    }
}
