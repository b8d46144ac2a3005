package io.gemma4j.backend.cpu.vector;

import io.gemma4j.backend.cpu.kernel.Int8Kernel;
import io.gemma4j.backend.cpu.kernel.Int8Row;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;

/** Keeps an {@link Int8Kernel} a compilation of its own, for the reason given at {@link OutOfLine}. Thread-safe. */
final class OutOfLineInt8 implements Int8Kernel {
    private final Int8Kernel kernel;
    private final MethodHandle dots;

    OutOfLineInt8(Int8Kernel kernel) {
        this.kernel = kernel;
        dots = OutOfLine.handle(kernel, "dots", MethodType.methodType(void.class, MemorySegment.class, long.class, long.class, int.class,
                Int8Row.class, int.class, float[].class, int.class, float[].class));
    }

    @Override
    public int group() {
        return kernel.group();
    }

    @Override
    public boolean takes(int columns) {
        return kernel.takes(columns);
    }

    @Override
    public void arrange(Int8Row x, int columns) {
        kernel.arrange(x, columns);
    }

    @Override
    public void dots(MemorySegment bytes, long byteOffset, long rowBytes, int rows, Int8Row x, int columns, float[] out, int outOffset,
            float[] scratch) {
        try {
            dots.invokeExact(bytes, byteOffset, rowBytes, rows, x, columns, out, outOffset, scratch);
        } catch (Throwable e) {
            throw OutOfLine.unchecked(e);
        }
    }
}
