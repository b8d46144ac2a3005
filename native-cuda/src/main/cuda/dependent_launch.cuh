// Programmatic dependent launch. Every thread block calls waitForPrevious() before it reads anything but weights, writes anything, or exits; a kernel in
// which a block does not wait would let the next kernel overtake the one before. Both calls do nothing before compute capability 9.0.
#pragma once

// The next kernel may start to be scheduled; what this one writes becomes visible to it only by its own wait.
__device__ __forceinline__ void launchDependents() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

// Returns once the kernels before have finished and their writes are visible.
__device__ __forceinline__ void waitForPrevious() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
