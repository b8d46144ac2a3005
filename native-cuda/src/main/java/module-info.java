/** The backend for NVIDIA GPUs, through their driver. */
module io.gemma4j.cuda {
    requires transitive io.gemma4j.core;

    exports io.gemma4j.cuda;

    provides io.gemma4j.backend.BackendProvider with io.gemma4j.cuda.CudaBackendProvider;
}
