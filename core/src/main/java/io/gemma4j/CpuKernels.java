package io.gemma4j;

/** Which implementation of its kernels the CPU backend uses. */
public enum CpuKernels {
    /**
     * The fastest: vector kernels that round activations to 8 bits when a single token is processed, where the module
     * {@code jdk.incubator.vector} is there; scalar ones with a warning where not.
     */
    AUTO,
    /** Plain Java: the specification, slow. */
    SCALAR,
    /** Vector kernels in 32-bit floats throughout, or an error where the module is missing. */
    VECTOR
}
