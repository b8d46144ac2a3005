package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.VectorWidth.LANES;

import io.gemma4j.backend.cpu.kernel.Int8Kernel;
import io.gemma4j.gguf.GgmlType;
import java.util.Optional;

/** The kernels for 8-bit activations by storage type: those types for which they are faster than {@link VectorRows}. Thread-safe. */
public final class VectorInt8 {

    private VectorInt8() {}

    /** The kernel of {@code type}, if there is one. */
    public static Optional<Int8Kernel> of(GgmlType type) {
        return kernel(type).map(OutOfLineInt8::new);
    }

    private static Optional<Int8Kernel> kernel(GgmlType type) {
        return switch (type) {
            case Q4_K -> Optional.of(new Q4_KInt8());
            case Q4_0 -> LANES == 16 ? Optional.of(new Q4_0Int8()) : Optional.empty();
            case Q8_0 -> LANES == 16 ? Optional.of(new Q8_0Int8()) : Optional.empty();
            case Q6_K -> LANES == 16 ? Optional.of(new Q6_KInt8()) : Optional.empty();
            default -> Optional.empty();
        };
    }
}
