package io.gemma4j.backend;

import io.gemma4j.CpuKernels;

/**
 * What a caller may ask of a backend; each takes what concerns it.
 *
 * @param threads threads of the CPU backend, 0 for its default
 * @param cpuKernels which kernels the CPU backend uses
 */
public record BackendOptions(int threads, CpuKernels cpuKernels) {}
