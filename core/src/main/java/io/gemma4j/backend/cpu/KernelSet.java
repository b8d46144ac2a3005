package io.gemma4j.backend.cpu;

import io.gemma4j.CpuKernels;
import io.gemma4j.KvType;
import io.gemma4j.backend.BackendProvider.UnavailableException;
import io.gemma4j.backend.cpu.kernel.FloatKernels;
import io.gemma4j.backend.cpu.kernel.HeadKernel;
import io.gemma4j.backend.cpu.kernel.Int8Kernel;
import io.gemma4j.backend.cpu.kernel.RowKernel;
import io.gemma4j.backend.cpu.kernel.ScalarFloatKernels;
import io.gemma4j.backend.cpu.kernel.ScalarHeads;
import io.gemma4j.backend.cpu.kernel.ScalarRows;
import io.gemma4j.backend.cpu.vector.VectorFloatKernels;
import io.gemma4j.backend.cpu.vector.VectorHeads;
import io.gemma4j.backend.cpu.vector.VectorInt8;
import io.gemma4j.backend.cpu.vector.VectorRows;
import io.gemma4j.backend.cpu.vector.VectorWidth;
import io.gemma4j.gguf.GgmlType;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The kernels a backend runs on: the scalar specification or the vector ones.
 *
 * @param description for people
 * @param floats arithmetic over float arrays
 * @param rowsByType row kernels of a storage type
 * @param headsByType how each type of cache holds heads
 * @param int8ByType kernels that round activations to 8 bits, empty where a type has none
 */
record KernelSet(String description, FloatKernels floats, Function<GgmlType, RowKernel> rowsByType, Map<KvType, HeadKernel> headsByType,
        Function<GgmlType, Optional<Int8Kernel>> int8ByType) {
    private static final Logger LOG = LoggerFactory.getLogger(KernelSet.class);
    private static final String VECTOR_MODULE = "jdk.incubator.vector";
    private static final String FLAG = "--add-modules " + VECTOR_MODULE;

    /** Warns once in the life of the JVM. */
    private static final class Warning {
        static {
            LOG.warn("The CPU backend runs on slow scalar kernels: add the JVM flag {}", FLAG);
        }

        static void once() {}
    }

    static KernelSet choose(CpuKernels wanted) throws UnavailableException {
        boolean present = ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent();
        if ((wanted == CpuKernels.VECTOR || wanted == CpuKernels.INT8) && !present) {
            throw new UnavailableException("vector kernels need the JVM flag " + FLAG);
        }
        if (wanted == CpuKernels.SCALAR || !present) {
            if (wanted == CpuKernels.AUTO) {
                Warning.once();
            }
            return new KernelSet("scalar kernels", new ScalarFloatKernels(), ScalarRows::of, all(ScalarHeads::of), type -> Optional.empty());
        }
        return Vector.set(wanted != CpuKernels.VECTOR);
    }

    private static Map<KvType, HeadKernel> all(Function<KvType, HeadKernel> headsOf) {
        return Arrays.stream(KvType.values()).collect(Collectors.toMap(Function.identity(), headsOf, (a, b) -> a, () -> new EnumMap<>(KvType.class)));
    }

    /** Loaded only when the module is there. */
    private static final class Vector {
        static KernelSet set(boolean int8) {
            String description = VectorWidth.BITS + "-bit vector kernels" + (int8 ? ", 8-bit activations" : "");
            return new KernelSet(description, new VectorFloatKernels(), VectorRows::of, all(VectorHeads::of),
                    int8 ? VectorInt8::of : type -> Optional.empty());
        }
    }

    RowKernel rows(GgmlType type) {
        return rowsByType.apply(type);
    }

    /** Heads of a cache of that type. */
    HeadKernel heads(KvType type) {
        return headsByType.get(type);
    }

    /** Null where the type has none. */
    Int8Kernel int8(GgmlType type) {
        return int8ByType.apply(type).orElse(null);
    }
}
