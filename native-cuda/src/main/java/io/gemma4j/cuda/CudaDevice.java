package io.gemma4j.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A GPU as the driver describes it. Immutable.
 *
 * @param handle the driver's number of it
 * @param name e.g. {@code NVIDIA H100 80GB HBM3}
 * @param major of the compute capability
 * @param minor of the compute capability
 * @param multiprocessors that run blocks
 * @param maxSharedBytes of one block, where a kernel asks for more than the default
 * @param memoryBytes of the device
 */
record CudaDevice(int handle, String name, int major, int minor, int multiprocessors, int maxSharedBytes, long memoryBytes) {
    private static final int HOPPER_MAJOR = 9;
    private static final int ATTRIBUTE_MULTIPROCESSORS = 16;
    private static final int ATTRIBUTE_MAJOR = 75;
    private static final int ATTRIBUTE_MINOR = 76;
    private static final int ATTRIBUTE_MAX_SHARED_OPTIN = 97;
    private static final int NAME_BYTES = 256;

    /** Whether it has clusters of blocks, bulk copies to shared memory, and kernels that start before the one before has ended. */
    boolean isHopperOrLater() {
        return major >= HOPPER_MAJOR;
    }

    /**
     * Starts the driver, which may be done again.
     *
     * @throws CudaException if it cannot run here, e.g. because there is no device
     */
    static void initialize() {
        CudaDriver.check("cuInit", () -> (int) CudaDriver.cuInit.invokeExact(0));
    }

    /** Version of CUDA that the driver supports: {@code 1000 * major + 10 * minor}. */
    static int driverVersion() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_INT);
            CudaDriver.check("cuDriverGetVersion", () -> (int) CudaDriver.cuDriverGetVersion.invokeExact(out));
            return out.get(JAVA_INT, 0);
        }
    }

    /** Number of devices that this process may use. */
    static int count() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_INT);
            CudaDriver.check("cuDeviceGetCount", () -> (int) CudaDriver.cuDeviceGetCount.invokeExact(out));
            return out.get(JAVA_INT, 0);
        }
    }

    /** The device with the given place among those that this process may use. */
    static CudaDevice of(int ordinal) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_LONG);
            CudaDriver.check("cuDeviceGet", () -> (int) CudaDriver.cuDeviceGet.invokeExact(out, ordinal));
            int handle = out.get(JAVA_INT, 0);
            CudaDriver.check("cuDeviceTotalMem_v2", () -> (int) CudaDriver.cuDeviceTotalMem_v2.invokeExact(out, handle));
            long memoryBytes = out.get(JAVA_LONG, 0);
            MemorySegment name = arena.allocate(NAME_BYTES);
            CudaDriver.check("cuDeviceGetName", () -> (int) CudaDriver.cuDeviceGetName.invokeExact(name, NAME_BYTES, handle));
            return new CudaDevice(handle, name.getString(0), attribute(handle, ATTRIBUTE_MAJOR, out), attribute(handle, ATTRIBUTE_MINOR, out),
                    attribute(handle, ATTRIBUTE_MULTIPROCESSORS, out), attribute(handle, ATTRIBUTE_MAX_SHARED_OPTIN, out), memoryBytes);
        }
    }

    private static int attribute(int handle, int attribute, MemorySegment out) {
        CudaDriver.check("cuDeviceGetAttribute", () -> (int) CudaDriver.cuDeviceGetAttribute.invokeExact(out, attribute, handle));
        return out.get(JAVA_INT, 0);
    }
}
