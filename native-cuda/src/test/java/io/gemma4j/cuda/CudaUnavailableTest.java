package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.gemma4j.Backend;
import io.gemma4j.BackendUnavailableException;
import io.gemma4j.CpuKernels;
import io.gemma4j.Gemma4;
import io.gemma4j.LoadOptions;
import io.gemma4j.OutOfDeviceMemoryException;
import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider.UnavailableException;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class CudaUnavailableTest {
    private static final Path MODEL = Path.of("../core/src/test/resources/fixtures/dense-mini-Q4_K_M.gguf");
    private static final String TEXTS = """
            int cuGetErrorName(int status, const char** text) { *text = "CUDA_ERROR_FAKED"; return 0; }
            int cuGetErrorString(int status, const char** text) { *text = "made up"; return 0; }
            """;
    private static final String NEW_DRIVER = "int cuDriverGetVersion(int* version) { *version = 99000; return 0; }";

    @TempDir
    Path folder;

    @Test
    void withoutADriverTheReasonNamesTheLibrary() {
        assumeTrue(CudaDriver.unavailable() != null, "this machine has a driver");
        LoadOptions options = LoadOptions.defaults().backend(Backend.CUDA);
        BackendUnavailableException e = assertThrows(BackendUnavailableException.class, () -> Gemma4.load(MODEL, options));
        assertEquals(1, e.attempts().size());
        assertEquals("cuda", e.attempts().getFirst().backend());
        assertTrue(e.attempts().getFirst().reason().contains(CudaDriver.LIBRARY), e.getMessage());
    }

    @Test
    void withoutADriverTheAutomaticChoiceRunsOnTheProcessor() throws Exception {
        assumeTrue(CudaDriver.unavailable() != null, "this machine has a driver");
        try (Gemma4 model = Gemma4.load(MODEL, o -> o.backend(Backend.AUTO).contextTokens(16))) {
            assertTrue(model.info().backend().contains("cpu"), model.info().backend());
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void driverWithoutAFunctionIsTooOld() throws Exception {
        String output = new FakeDriver(folder, Set.of("cuFuncGetParamInfo", "cuLaunchKernelEx")).run(OpensBackend.class);
        assertTrue(output.contains("unavailable: the NVIDIA driver is too old, it lacks cuFuncGetParamInfo, cuLaunchKernelEx"), output);
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void machineWithoutADeviceSaysSo() throws Exception {
        assumeKernels();
        String output = new FakeDriver(folder, Set.of(), TEXTS, "int cuInit(int flags) { return 100; }").run(OpensBackend.class);
        assertTrue(output.contains("unavailable: no NVIDIA GPU that this process may use"), output);
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void failureOfTheDriverIsGivenInItsOwnWords() throws Exception {
        assumeKernels();
        String output = new FakeDriver(folder, Set.of(), TEXTS, "int cuInit(int flags) { return 999; }").run(OpensBackend.class);
        assertTrue(output.contains("unavailable: cuInit: CUDA_ERROR_FAKED (999): made up"), output);
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void driverOlderThanTheKernelsIsNamedWithBothVersions() throws Exception {
        assumeKernels();
        String output = new FakeDriver(folder, Set.of(), "int cuDriverGetVersion(int* version) { *version = 11080; return 0; }")
                .run(OpensBackend.class);
        assertTrue(output.contains("unavailable: the NVIDIA driver supports CUDA 11.8, the kernels were compiled with CUDA "), output);
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void deviceOfAnOlderArchitectureIsNamed() throws Exception {
        assumeKernels();
        String output = new FakeDriver(folder, Set.of(), NEW_DRIVER, """
                int cuDeviceGetName(char* name, int bytes, int device) { strcpy(name, "Tesla T4"); return 0; }
                int cuDeviceGetAttribute(int* value, int attribute, int device) { *value = attribute == 75 ? 7 : 5; return 0; }
                """).run(OpensBackend.class);
        assertTrue(output.contains("unavailable: Tesla T4 has compute capability 7.5, the kernels need 8.0"), output);
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void deviceTooSmallForTheModelIsLeftAlone() throws Exception {
        assumeKernels();
        String output = new FakeDriver(folder, Set.of(), NEW_DRIVER, """
                int cuDeviceGetName(char* name, int bytes, int device) { strcpy(name, "Small"); return 0; }
                int cuDeviceGetAttribute(int* value, int attribute, int device) { *value = 9; return 0; }
                int cuMemGetInfo_v2(size_t* free, size_t* total) { *free = 77; *total = 100; return 0; }
                """).run(OpensBackend.class);
        assertTrue(output.contains("unavailable: Small has too little memory: the model takes 1000 bytes, 77 of 100 are free"), output);
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void deviceWithoutMemorySaysWhatWasNeededAndWhatWasFree() throws Exception {
        String output = new FakeDriver(folder, Set.of(), TEXTS, """
                int cuDeviceGetName(char* name, int bytes, int device) { strcpy(name, "Small"); return 0; }
                int cuMemAlloc_v2(long long* address, size_t bytes) { return 2; }
                int cuMemGetInfo_v2(size_t* free, size_t* total) { *free = 77; *total = 100; return 0; }
                """).run(AllocatesMemory.class);
        assertTrue(output.contains("Small: no memory for a test: 1000 bytes needed, 77 of 100 free") && output.contains("CUDA_ERROR_FAKED (2)"), output);
    }

    private static void assumeKernels() {
        assumeTrue(KernelLibrary.origin() != null, "built without kernels: nvcc is missing");
    }

    /** Runs in a process of its own. */
    static final class OpensBackend {
        private OpensBackend() {}

        public static void main(String[] arguments) {
            try {
                new CudaBackendProvider().open(new BackendOptions(1, CpuKernels.SCALAR, 1000)).close();
                System.out.println("opened");
            } catch (UnavailableException e) {
                System.out.println("unavailable: " + e.getMessage());
            }
        }
    }

    /** Runs in a process of its own. */
    static final class AllocatesMemory {
        private AllocatesMemory() {}

        public static void main(String[] arguments) {
            try (CudaContext context = new CudaContext(CudaDevice.of(0))) {
                CudaBuffer.allocate(context, "a test", 1000);
            } catch (OutOfDeviceMemoryException e) {
                System.out.println(e.getMessage() + ", " + e.getCause().getMessage());
            }
        }
    }
}
