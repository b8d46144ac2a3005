package io.gemma4j.backend;

import io.gemma4j.CpuKernels;

/**
 * What a caller may ask of a backend; each takes what concerns it.
 *
 * @param threads threads of the CPU backend, 0 for its default
 * @param cpuKernels which kernels the CPU backend uses
 * @param modelBytes bytes of the weights that are going to be uploaded, so that a device too small for them can be refused before;
 *     see also {@link ModelBackend#freeBytes}
 */
public record BackendOptions(int threads, CpuKernels cpuKernels, long modelBytes) {

    /** Options for a model that any device has room for. */
    public BackendOptions(int threads, CpuKernels cpuKernels) {
        this(threads, cpuKernels, 0);
    }
}
