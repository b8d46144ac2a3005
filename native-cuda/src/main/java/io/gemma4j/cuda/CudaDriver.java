package io.gemma4j.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The functions of the CUDA driver that are used here: one handle for each, of the C function's name, its arguments in the order of
 * {@code cuda.h}. Where the driver or a function is missing, handles are null and {@link #unavailable()} says why; nothing else may be called
 * then. {@code cuda.includes} beside this class is the list for jextract.
 */
@SuppressWarnings("restricted") // memory and functions of the driver
final class CudaDriver {
    /** The driver's library, which the display driver installs. */
    static final String LIBRARY = System.getProperty("os.name").startsWith("Windows") ? "nvcuda.dll" : "libcuda.so.1";

    private static final SymbolLookup SYMBOLS = open();
    private static final Map<String, FunctionDescriptor> DESCRIPTORS = new LinkedHashMap<>();
    private static final List<String> MISSING = new ArrayList<>();

    static final MethodHandle cuInit = link("cuInit", JAVA_INT);
    static final MethodHandle cuDriverGetVersion = link("cuDriverGetVersion", ADDRESS);
    static final MethodHandle cuGetErrorName = link("cuGetErrorName", JAVA_INT, ADDRESS);
    static final MethodHandle cuGetErrorString = link("cuGetErrorString", JAVA_INT, ADDRESS);

    static final MethodHandle cuDeviceGetCount = link("cuDeviceGetCount", ADDRESS);
    static final MethodHandle cuDeviceGet = link("cuDeviceGet", ADDRESS, JAVA_INT);
    static final MethodHandle cuDeviceGetName = link("cuDeviceGetName", ADDRESS, JAVA_INT, JAVA_INT);
    static final MethodHandle cuDeviceGetAttribute = link("cuDeviceGetAttribute", ADDRESS, JAVA_INT, JAVA_INT);
    static final MethodHandle cuDeviceTotalMem_v2 = link("cuDeviceTotalMem_v2", ADDRESS, JAVA_INT);

    static final MethodHandle cuDevicePrimaryCtxRetain = link("cuDevicePrimaryCtxRetain", ADDRESS, JAVA_INT);
    static final MethodHandle cuDevicePrimaryCtxRelease_v2 = link("cuDevicePrimaryCtxRelease_v2", JAVA_INT);
    static final MethodHandle cuCtxSetCurrent = link("cuCtxSetCurrent", ADDRESS);

    static final MethodHandle cuMemGetInfo_v2 = link("cuMemGetInfo_v2", ADDRESS, ADDRESS);
    static final MethodHandle cuMemAlloc_v2 = link("cuMemAlloc_v2", ADDRESS, JAVA_LONG);
    static final MethodHandle cuMemFree_v2 = link("cuMemFree_v2", JAVA_LONG);
    static final MethodHandle cuMemHostAlloc = link("cuMemHostAlloc", ADDRESS, JAVA_LONG, JAVA_INT);
    static final MethodHandle cuMemFreeHost = link("cuMemFreeHost", ADDRESS);
    static final MethodHandle cuMemcpyHtoDAsync_v2 = link("cuMemcpyHtoDAsync_v2", JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS);
    static final MethodHandle cuMemcpyDtoHAsync_v2 = link("cuMemcpyDtoHAsync_v2", ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS);
    static final MethodHandle cuMemcpyDtoDAsync_v2 = link("cuMemcpyDtoDAsync_v2", JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS);
    static final MethodHandle cuMemsetD8Async = link("cuMemsetD8Async", JAVA_LONG, JAVA_BYTE, JAVA_LONG, ADDRESS);

    static final MethodHandle cuModuleLoadData = link("cuModuleLoadData", ADDRESS, ADDRESS);
    static final MethodHandle cuModuleUnload = link("cuModuleUnload", ADDRESS);
    static final MethodHandle cuModuleGetFunction = link("cuModuleGetFunction", ADDRESS, ADDRESS, ADDRESS);
    static final MethodHandle cuFuncGetAttribute = link("cuFuncGetAttribute", ADDRESS, JAVA_INT, ADDRESS);
    static final MethodHandle cuFuncSetAttribute = link("cuFuncSetAttribute", ADDRESS, JAVA_INT, JAVA_INT);
    static final MethodHandle cuFuncGetParamInfo = link("cuFuncGetParamInfo", ADDRESS, JAVA_LONG, ADDRESS, ADDRESS);
    static final MethodHandle cuLaunchKernelEx = link("cuLaunchKernelEx", ADDRESS, ADDRESS, ADDRESS, ADDRESS);

    static final MethodHandle cuStreamCreate = link("cuStreamCreate", ADDRESS, JAVA_INT);
    static final MethodHandle cuStreamDestroy_v2 = link("cuStreamDestroy_v2", ADDRESS);
    static final MethodHandle cuStreamSynchronize = link("cuStreamSynchronize", ADDRESS);
    static final MethodHandle cuStreamWaitEvent = link("cuStreamWaitEvent", ADDRESS, ADDRESS, JAVA_INT);
    static final MethodHandle cuStreamBeginCapture_v2 = link("cuStreamBeginCapture_v2", ADDRESS, JAVA_INT);
    static final MethodHandle cuStreamEndCapture = link("cuStreamEndCapture", ADDRESS, ADDRESS);
    static final MethodHandle cuEventCreate = link("cuEventCreate", ADDRESS, JAVA_INT);
    static final MethodHandle cuEventDestroy_v2 = link("cuEventDestroy_v2", ADDRESS);
    static final MethodHandle cuEventRecord = link("cuEventRecord", ADDRESS, ADDRESS);
    static final MethodHandle cuEventSynchronize = link("cuEventSynchronize", ADDRESS);

    static final MethodHandle cuGraphInstantiateWithFlags = link("cuGraphInstantiateWithFlags", ADDRESS, ADDRESS, JAVA_LONG);
    static final MethodHandle cuGraphUpload = link("cuGraphUpload", ADDRESS, ADDRESS);
    static final MethodHandle cuGraphLaunch = link("cuGraphLaunch", ADDRESS, ADDRESS);
    static final MethodHandle cuGraphExecDestroy = link("cuGraphExecDestroy", ADDRESS);
    static final MethodHandle cuGraphDestroy = link("cuGraphDestroy", ADDRESS);

    private CudaDriver() {}

    /** A call of a handle; the result is the driver's status. */
    @FunctionalInterface
    interface Call {
        /** Calls the function. */
        int invoke() throws Throwable;
    }

    private static SymbolLookup open() {
        try {
            // The library stays loaded: what it created may be closed at any later time.
            return SymbolLookup.libraryLookup(LIBRARY, Arena.global());
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static MethodHandle link(String name, MemoryLayout... arguments) {
        FunctionDescriptor descriptor = FunctionDescriptor.of(JAVA_INT, arguments);
        DESCRIPTORS.put(name, descriptor);
        if (SYMBOLS == null) {
            return null;
        }
        return SYMBOLS.find(name).map(symbol -> Linker.nativeLinker().downcallHandle(symbol, descriptor)).orElseGet(() -> {
            MISSING.add(name);
            return null;
        });
    }

    /** Names and C signatures of all functions that are used. */
    static Map<String, FunctionDescriptor> descriptors() {
        return Collections.unmodifiableMap(DESCRIPTORS);
    }

    /** Why the driver cannot be called, or null if it can. */
    static String unavailable() {
        if (SYMBOLS == null) {
            return "no NVIDIA driver: " + LIBRARY + " was not found";
        }
        return MISSING.isEmpty() ? null : "the NVIDIA driver is too old, it lacks " + String.join(", ", MISSING) + "; install a newer one";
    }

    /**
     * Calls the driver.
     *
     * @param name of the function, for the message
     * @throws CudaException if the driver reports an error
     */
    static void check(String name, Call call) {
        int status;
        try {
            status = call.invoke();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("a native call throws nothing checked", e);
        }
        if (status != CudaException.SUCCESS) {
            throw exception(status, name);
        }
    }

    /** What the driver's status means. */
    static CudaException exception(int status, String call) {
        return new CudaException(status, text(cuGetErrorName, status), text(cuGetErrorString, status), call);
    }

    private static String text(MethodHandle function, int status) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ADDRESS);
            int known = (int) function.invokeExact(status, out);
            MemorySegment text = out.get(ADDRESS, 0);
            return known != CudaException.SUCCESS || text.address() == 0 ? "unknown" : text.reinterpret(Long.MAX_VALUE).getString(0);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("a native call throws nothing checked", e);
        }
    }
}
