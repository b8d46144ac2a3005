/** The backend for Apple GPUs, through the operating system alone. */
module io.gemma4j.metal {
    requires transitive io.gemma4j.core;

    exports io.gemma4j.metal;

    provides io.gemma4j.backend.BackendProvider with io.gemma4j.metal.MetalBackendProvider;
}
