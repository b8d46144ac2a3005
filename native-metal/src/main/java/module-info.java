/** Home of the backend for Apple GPUs. It holds no code yet: adding it to an application changes nothing. */
module io.gemma4j.metal {
    requires io.gemma4j.core;
}
