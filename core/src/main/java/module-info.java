/** Runs Gemma 4 models: the file format, the tokenizer, the model and a CPU backend. */
@SuppressWarnings("module") // the bench module is compiled after this one
module io.gemma4j.core {
    requires transitive org.slf4j;
    requires com.sun.jna;
    requires com.sun.jna.platform;
    requires jdk.jfr;
    requires jdk.management;
    requires static jdk.incubator.vector;

    exports io.gemma4j;
    exports io.gemma4j.backend;
    exports io.gemma4j.chat;
    exports io.gemma4j.gguf;
    exports io.gemma4j.grammar;
    exports io.gemma4j.model;
    exports io.gemma4j.os to io.gemma4j.bench;
    exports io.gemma4j.quantize;
    exports io.gemma4j.sampling;
    exports io.gemma4j.tensor;
    exports io.gemma4j.tokenizer;

    uses io.gemma4j.backend.BackendProvider;

    provides io.gemma4j.backend.BackendProvider with io.gemma4j.backend.cpu.CpuBackendProvider;
}
