package io.gemma4j.backend.cpu;

import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.os.OperatingSystem;

/** Opens the CPU backend, which runs everywhere. */
public final class CpuBackendProvider implements BackendProvider {

    /** For the service loader. */
    public CpuBackendProvider() {}

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public int priority() {
        return 0;
    }

    @Override
    public ModelBackend open(BackendOptions options) throws UnavailableException {
        int threads = options.threads() > 0 ? options.threads() : OperatingSystem.physicalCores();
        return new CpuBackend(threads, KernelSet.choose(options.cpuKernels()), options.modelBytes());
    }
}
