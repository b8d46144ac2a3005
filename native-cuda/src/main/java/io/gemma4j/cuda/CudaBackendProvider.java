package io.gemma4j.cuda;

import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider;
import io.gemma4j.backend.ModelBackend;

/** Opens the CUDA backend on the first GPU that this process may use, as {@code CUDA_VISIBLE_DEVICES} orders them. Thread-safe. */
public final class CudaBackendProvider implements BackendProvider {
    private static final int MINIMUM_MAJOR = 8;

    /** For the service loader. */
    public CudaBackendProvider() {}

    @Override
    public String name() {
        return "cuda";
    }

    @Override
    public int priority() {
        return 100;
    }

    @Override
    public ModelBackend open(BackendOptions options) throws UnavailableException {
        if (CudaDriver.unavailable() != null) {
            throw new UnavailableException(CudaDriver.unavailable());
        }
        KernelLibrary.Origin origin = KernelLibrary.origin();
        if (origin == null) {
            throw new UnavailableException("this build of gemma4j-cuda holds no kernels: nvcc was missing where it was built");
        }
        try {
            return open(new CudaContext(device(origin)), origin, options.modelBytes());
        } catch (CudaException e) {
            throw new UnavailableException(e.getMessage(), e);
        }
    }

    private static ModelBackend open(CudaContext context, KernelLibrary.Origin origin, long modelBytes) throws UnavailableException {
        try {
            CudaContext.Memory memory = context.memory();
            if (memory.freeBytes() < modelBytes) {
                throw new UnavailableException(context.device().name() + " has too little memory: the model takes " + modelBytes + " bytes, "
                        + memory.freeBytes() + " of " + memory.totalBytes() + " are free");
            }
            return new CudaBackend(context, origin, modelBytes);
        } catch (CudaException | UnavailableException e) {
            context.close();
            throw e;
        }
    }

    private static CudaDevice device(KernelLibrary.Origin origin) throws UnavailableException {
        try {
            CudaDevice.initialize();
        } catch (CudaException e) {
            throw new UnavailableException(e.status() == CudaException.NO_DEVICE ? "no NVIDIA GPU that this process may use" : e.getMessage(), e);
        }
        int version = CudaDevice.driverVersion();
        if (version < origin.minimumDriverVersion()) {
            throw new UnavailableException("the NVIDIA driver supports CUDA " + version / 1000 + "." + version % 1000 / 10
                    + ", the kernels were compiled with CUDA " + origin.cuda() + "; install a newer driver");
        }
        CudaDevice device = CudaDevice.of(0);
        if (device.major() < MINIMUM_MAJOR) {
            throw new UnavailableException(device.name() + " has compute capability " + device.major() + "." + device.minor()
                    + ", the kernels need " + MINIMUM_MAJOR + ".0 or higher");
        }
        return device;
    }
}
