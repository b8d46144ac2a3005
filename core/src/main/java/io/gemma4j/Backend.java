package io.gemma4j;

/** Where a model runs. */
public enum Backend {
    /** The fastest backend that works on this machine; which one and why is logged once. */
    AUTO,
    /** The processor: the Vector API where the module is there, plain Java otherwise. */
    CPU,
    /** An NVIDIA GPU, through its driver. */
    CUDA,
    /** An Apple GPU, through the operating system. */
    METAL
}
