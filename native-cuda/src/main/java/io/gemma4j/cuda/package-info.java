/**
 * The backend for NVIDIA GPUs, on the CUDA driver alone. {@link io.gemma4j.cuda.CudaBackendProvider} opens it; applications see of this package
 * only {@link io.gemma4j.cuda.CudaException}.
 */
package io.gemma4j.cuda;
