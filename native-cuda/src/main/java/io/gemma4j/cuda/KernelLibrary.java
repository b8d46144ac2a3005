package io.gemma4j.cuda;

import io.gemma4j.Gemma4Exception;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * The kernels that were compiled into this library: one fatbin for each source file, loaded when one of its kernels is asked for first. Used by
 * one thread at a time. Whoever created it closes it, after the work of its kernels.
 */
final class KernelLibrary implements AutoCloseable {
    private static final String FOLDER = "kernels/";
    private static final String SUFFIX = ".fatbin";

    private final CudaContext context;
    private final Map<String, CudaModule> modules = new HashMap<>();
    private final Map<String, CudaKernel> kernels = new HashMap<>();

    KernelLibrary(CudaContext context) {
        this.context = context;
    }

    /**
     * How this library's kernels were compiled.
     *
     * @param cuda version of the compiler, e.g. {@code 13.0}
     * @param architectures e.g. {@code 80 90a 100 120, PTX 90}
     */
    record Origin(String cuda, String architectures) {

        /** The oldest version of CUDA that a driver has to support, {@code 1000 * major}: minor versions are compatible. */
        int minimumDriverVersion() {
            return Integer.parseInt(cuda.substring(0, cuda.indexOf('.'))) * 1000;
        }

        /** Whether the device has the matrix instructions of warpgroups, and the kernels were compiled for them. */
        boolean hasWarpgroupProducts(CudaDevice device) {
            return device.major() == 9 && device.minor() == 0 && List.of(architectures.split("[ ,]+")).contains("90a");
        }
    }

    /** How the kernels were compiled, or null if this library was built without. */
    static Origin origin() {
        try (InputStream resource = KernelLibrary.class.getResourceAsStream(FOLDER + "kernels.properties")) {
            if (resource == null) {
                return null;
            }
            Properties properties = new Properties();
            properties.load(resource);
            return new Origin(properties.getProperty("cuda"), properties.getProperty("architectures"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * A kernel. Its source file is the one with the longest name that the kernel's name begins with.
     *
     * @param entry its name, e.g. {@code matmul_q4_k_exact} of {@code matmul_q4_k.cu}
     * @throws Gemma4Exception if there is none
     */
    CudaKernel kernel(String entry) {
        return kernel(entry, entry);
    }

    /**
     * A kernel of a source file that is named after another one.
     *
     * @param like begins with the name of the source file
     * @param entry its name
     * @throws Gemma4Exception if there is none
     */
    CudaKernel kernel(String like, String entry) {
        return kernels.computeIfAbsent(entry, name -> {
            String file = like;
            while (KernelLibrary.class.getResource(FOLDER + file + SUFFIX) == null) {
                if (file.indexOf('_') < 0) {
                    throw new Gemma4Exception("this build of gemma4j-cuda has no kernel '" + entry + "'");
                }
                file = file.substring(0, file.lastIndexOf('_'));
            }
            return modules.computeIfAbsent(file, this::load).kernel(name);
        });
    }

    private CudaModule load(String file) {
        try (InputStream resource = KernelLibrary.class.getResourceAsStream(FOLDER + file + SUFFIX)) {
            return new CudaModule(context, file, resource.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        modules.values().forEach(CudaModule::close);
    }
}
