package io.gemma4j.backend.cpu.vector;

import io.gemma4j.backend.cpu.kernel.RowKernel;
import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * Keeps a kernel a compilation of its own. The C2 compiler would inline it into its callers; where two kernels meet in one caller their
 * vector operations exceed what it inlines into one method, and run a hundred times slower on boxed vectors. A call through a method
 * handle that is no constant is never inlined, and costs nanoseconds. Thread-safe.
 */
final class OutOfLine implements RowKernel {
    private final RowKernel kernel;
    // Not static, and the class no record: either would make the handles constants.
    private final MethodHandle dequantize;
    private final MethodHandle dot;

    OutOfLine(RowKernel kernel) {
        this.kernel = kernel;
        dequantize = handle("dequantize", void.class);
        dot = handle("dot", float.class);
    }

    @Override
    public GgmlType type() {
        return kernel.type();
    }

    @Override
    public void dequantize(MemorySegment bytes, long byteOffset, float[] out, int outOffset, int elements) {
        try {
            dequantize.invokeExact(bytes, byteOffset, out, outOffset, elements);
        } catch (Throwable e) {
            throw unchecked(e);
        }
    }

    @Override
    public float dot(MemorySegment bytes, long byteOffset, float[] x, int xOffset, int elements) {
        try {
            return (float) dot.invokeExact(bytes, byteOffset, x, xOffset, elements);
        } catch (Throwable e) {
            throw unchecked(e);
        }
    }

    private MethodHandle handle(String method, Class<?> result) {
        return handle(kernel, method, MethodType.methodType(result, MemorySegment.class, long.class, float[].class, int.class, int.class));
    }

    /** A handle of one of the kernel's methods. The caller keeps it in a field that the compiler does not take for a constant. */
    static MethodHandle handle(Object kernel, String method, MethodType type) {
        try {
            return MethodHandles.lookup().bind(kernel, method, type);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(kernel.getClass() + " has no " + method + type, e);
        }
    }

    /** What a kernel threw; its methods declare no checked exception. */
    static RuntimeException unchecked(Throwable thrown) {
        if (thrown instanceof Error error) {
            throw error;
        }
        return (RuntimeException) thrown;
    }
}
