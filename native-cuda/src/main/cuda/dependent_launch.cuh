// Programmatic dependent launch: a kernel may start while its predecessors still run. Before 9.0, and launched without the attribute, both do nothing.
#pragma once

// Lets the next kernel start. It will still wait for this one to end.
__device__ __forceinline__ void launchDependents() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;");
#endif
}

// Until all earlier kernels have ended and what they wrote is visible. Every block has to come here before it reads such data, writes, or exits.
__device__ __forceinline__ void waitForPredecessors() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
