package io.gemma4j;

/** Which implementation of its kernels the CPU backend uses. */
public enum CpuKernels {
    /** Vector kernels where the module {@code jdk.incubator.vector} is there, scalar ones with a warning where not. */
    AUTO,
    /** Plain Java: the specification, slow. */
    SCALAR,
    /** Vector kernels, or an error where the module is missing. */
    VECTOR
}
