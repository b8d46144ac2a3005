/** Runs Gemma 4 models: the file format, the tokenizer, the model and a CPU backend. */
module io.gemma4j.core {
    requires transitive org.slf4j;
    requires com.sun.jna;
    requires com.sun.jna.platform;
    requires jdk.jfr;
    requires jdk.management;
    requires static jdk.incubator.vector;

    exports io.gemma4j;
}
