package io.gemma4j;

/** Which implementation of its kernels the CPU backend uses. */
public enum CpuKernels {
    /** {@link #INT8} where the module {@code jdk.incubator.vector} is there, {@link #SCALAR} with a warning where not. */
    AUTO,
    /** Plain Java: the specification, slow. */
    SCALAR,
    /** Vector kernels, in 32-bit floats throughout; an error where the module is missing. */
    VECTOR,
    /**
     * Vector kernels that round activations to 8 bits when a single token is processed, for the storage types that have such kernels: faster, and
     * as exact as llama.cpp, which rounds too. An error where the module is missing.
     */
    INT8
}
