package io.gemma4j.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * A kernel and the block of its arguments, which is built once and overwritten by each launch: give the arguments in order, then launch. What is
 * given is checked against the sizes that the compiled kernel declares. Used by one thread at a time. Belongs to its module.
 */
final class CudaKernel {
    private static final int ATTRIBUTE_MAX_DYNAMIC_SHARED_BYTES = 8;
    private static final int ATTRIBUTE_SHARED_PERCENT = 9;
    // 64 KB of 228.
    private static final int ALONE_SHARED_PERCENT = 28;
    // More dynamic shared memory than this has to be asked for.
    private static final int DEFAULT_SHARED_BYTES = 48 << 10;
    // CUlaunchConfig: grid x, y, z, block x, y, z, shared bytes, stream, attributes, their number.
    private static final long CONFIG_BYTES = 56;
    private static final long CONFIG_SHARED_BYTES = 24;
    private static final long CONFIG_STREAM = 32;
    private static final long CONFIG_ATTRIBUTES = 40;
    private static final long CONFIG_ATTRIBUTE_COUNT = 48;
    // CUlaunchAttribute: what, padding, value.
    private static final long ATTRIBUTE_BYTES = 72;
    private static final long ATTRIBUTE_VALUE = 8;
    private static final int ATTRIBUTE_OVERLAP = 6;
    private static final int INVALID_VALUE = 1;

    private final CudaContext context;
    private final String name;
    private final MemorySegment function;
    private final MemorySegment config;
    private final MemorySegment pointers;
    private final MemorySegment[] arguments;
    private int given;
    private int grantedSharedBytes = DEFAULT_SHARED_BYTES;
    private boolean divided;

    /** Builds the argument block in {@code arena}, the module's. */
    CudaKernel(CudaContext context, String name, MemorySegment function, Arena arena) {
        this.context = context;
        this.name = name;
        this.function = function;
        config = arena.allocate(CONFIG_BYTES, 8);
        MemorySegment overlap = arena.allocate(ATTRIBUTE_BYTES, 8);
        overlap.set(JAVA_INT, 0, ATTRIBUTE_OVERLAP);
        overlap.set(JAVA_INT, ATTRIBUTE_VALUE, 1);
        config.set(ADDRESS, CONFIG_ATTRIBUTES, overlap);
        arguments = arguments(arena);
        pointers = arena.allocate(ADDRESS, Math.max(1, arguments.length));
        for (int i = 0; i < arguments.length; i++) {
            pointers.setAtIndex(ADDRESS, i, arguments[i]);
        }
    }

    private void setAttribute(int attribute, int value) {
        context.check("cuFuncSetAttribute of '" + name + "'", () -> (int) CudaDriver.cuFuncSetAttribute.invokeExact(function, attribute, value));
    }

    private MemorySegment[] arguments(Arena arena) {
        List<MemorySegment> slots = new ArrayList<>();
        try (Arena confined = Arena.ofConfined()) {
            MemorySegment offset = confined.allocate(JAVA_LONG);
            MemorySegment bytes = confined.allocate(JAVA_LONG);
            while (true) {
                long index = slots.size();
                context.check("cuFuncGetParamInfo", () -> (int) CudaDriver.cuFuncGetParamInfo.invokeExact(function, index, offset, bytes));
                slots.add(arena.allocate(bytes.get(JAVA_LONG, 0), 16));
            }
        } catch (CudaException e) {
            // The way the driver says that there are no more.
            if (e.status() != INVALID_VALUE) {
                throw e;
            }
        }
        return slots.toArray(MemorySegment[]::new);
    }

    /** The next argument: an address. */
    CudaKernel pointer(DevicePointer value) {
        next(Long.BYTES).set(JAVA_LONG, 0, value.address());
        return this;
    }

    /** The next argument: {@code int}. */
    CudaKernel int32(int value) {
        next(Integer.BYTES).set(JAVA_INT, 0, value);
        return this;
    }

    /** The next argument: {@code long long}. */
    CudaKernel int64(long value) {
        next(Long.BYTES).set(JAVA_LONG, 0, value);
        return this;
    }

    /** The next argument: {@code float}. */
    CudaKernel float32(float value) {
        next(Float.BYTES).set(JAVA_FLOAT, 0, value);
        return this;
    }

    private MemorySegment next(long bytes) {
        if (given >= arguments.length || arguments[given].byteSize() != bytes) {
            int index = given;
            given = 0;
            throw new IllegalArgumentException("kernel '" + name + "' has " + arguments.length + " arguments; number " + index + ": expected "
                    + (index < arguments.length ? arguments[index].byteSize() + " bytes" : "none") + ", found " + bytes + " bytes");
        }
        return arguments[given++];
    }

    /**
     * Queues the kernel with the arguments given.
     *
     * @param grid blocks
     * @param threads of a block
     * @param sharedBytes dynamic shared memory of a block
     */
    void launch(CudaStream stream, Grid grid, int threads, int sharedBytes) {
        launch(stream, grid, threads, sharedBytes, false);
    }

    /**
     * Queues the kernel, which may start while the one before it is still running, on the same multiprocessors: before it waits for that, it reads only what has not been
     * written for long, such as weights. A multiprocessor divides its memory between shared memory and cache anew only once it is idle; so that blocks find room
     * there, all of it is shared memory, where devices can start kernels early.
     */
    void launchEarly(CudaStream stream, Grid grid, int threads, int sharedBytes) {
        divide(100);
        launch(stream, grid, threads, sharedBytes, true);
    }

    /**
     * The same for a kernel that needs the cache, through which goes what it loads to registers, and for those just before and after it, so that the memory is
     * not divided anew for them.
     */
    void launchEarlyAlone(CudaStream stream, Grid grid, int threads, int sharedBytes) {
        divide(ALONE_SHARED_PERCENT);
        launch(stream, grid, threads, sharedBytes, true);
    }

    // How much of a multiprocessor's memory is shared memory while the kernel runs. Left to itself, the driver keeps the division of the kernel before.
    private void divide(int sharedPercent) {
        if (!divided && context.device().isHopperOrLater()) {
            setAttribute(ATTRIBUTE_SHARED_PERCENT, sharedPercent);
            divided = true;
        }
    }

    private void launch(CudaStream stream, Grid grid, int threads, int sharedBytes, boolean early) {
        int found = given;
        given = 0;
        if (found != arguments.length) {
            throw new IllegalStateException("kernel '" + name + "': expected " + arguments.length + " arguments, found " + found);
        }
        if (sharedBytes > grantedSharedBytes) {
            setAttribute(ATTRIBUTE_MAX_DYNAMIC_SHARED_BYTES, sharedBytes);
            grantedSharedBytes = sharedBytes;
        }
        config.setAtIndex(JAVA_INT, 0, grid.x());
        config.setAtIndex(JAVA_INT, 1, grid.y());
        config.setAtIndex(JAVA_INT, 2, grid.z());
        config.setAtIndex(JAVA_INT, 3, threads);
        config.setAtIndex(JAVA_INT, 4, 1);
        config.setAtIndex(JAVA_INT, 5, 1);
        config.set(JAVA_INT, CONFIG_SHARED_BYTES, sharedBytes);
        config.set(ADDRESS, CONFIG_STREAM, stream.handle());
        config.set(JAVA_INT, CONFIG_ATTRIBUTE_COUNT, early && stream.overlapping() ? 1 : 0);
        context.check(name, () -> (int) CudaDriver.cuLaunchKernelEx.invokeExact(config, function, pointers, MemorySegment.NULL));
    }

    /** Blocks of a launch. */
    record Grid(int x, int y, int z) {

        static Grid of(int x) {
            return new Grid(x, 1, 1);
        }

        static Grid of(int x, int y) {
            return new Grid(x, y, 1);
        }
    }
}
