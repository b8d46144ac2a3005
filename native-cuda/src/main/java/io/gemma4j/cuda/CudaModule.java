package io.gemma4j.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Compiled kernels on a device. Used by one thread at a time. Whoever loaded it closes it, after the work of its kernels. */
@SuppressWarnings("restricted") // memory and functions of the driver
final class CudaModule implements AutoCloseable {
    private final CudaContext context;
    private final String name;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment handle;

    /**
     * Loads an image.
     *
     * @param name for messages
     * @param image a fatbin or cubin, or PTX as text, which the driver then compiles
     * @throws CudaException if it holds nothing for this device
     */
    CudaModule(CudaContext context, String name, byte[] image) {
        this.context = context;
        this.name = name;
        try (Arena confined = Arena.ofConfined()) {
            // PTX is text and ends with a zero byte.
            MemorySegment copy = confined.allocate(image.length + 1L, 16);
            MemorySegment.copy(MemorySegment.ofArray(image), 0, copy, 0, image.length);
            MemorySegment out = confined.allocate(ADDRESS);
            context.check("cuModuleLoadData of '" + name + "'", () -> (int) CudaDriver.cuModuleLoadData.invokeExact(out, copy));
            handle = out.get(ADDRESS, 0).reinterpret(0, arena, this::unload);
        }
    }

    /**
     * Finds a kernel.
     *
     * @param entry its name, declared {@code extern "C"}
     * @throws CudaException if there is none
     */
    CudaKernel kernel(String entry) {
        try (Arena confined = Arena.ofConfined()) {
            MemorySegment out = confined.allocate(ADDRESS);
            MemorySegment text = confined.allocateFrom(entry);
            context.check("cuModuleGetFunction of '" + entry + "' in '" + name + "'",
                    () -> (int) CudaDriver.cuModuleGetFunction.invokeExact(out, handle, text));
            return new CudaKernel(context, entry, out.get(ADDRESS, 0), arena);
        }
    }

    private void unload(MemorySegment module) {
        context.check("cuModuleUnload of '" + name + "'", () -> (int) CudaDriver.cuModuleUnload.invokeExact(module));
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
