/** Home of the backend for NVIDIA GPUs. It holds no code yet: adding it to an application changes nothing. */
module io.gemma4j.cuda {
    requires io.gemma4j.core;
}
