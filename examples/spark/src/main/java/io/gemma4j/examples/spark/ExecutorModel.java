package io.gemma4j.examples.spark;

import io.gemma4j.Gemma4;
import io.gemma4j.LoadOptions;
import io.gemma4j.examples.hub.ModelHub;
import java.io.IOException;

/** The one model of an executor's JVM: loaded by its first task, shared by all of them, closed when the JVM exits. Thread-safe. */
final class ExecutorModel {
    private static String loadedName;
    private static Gemma4 loaded;

    private ExecutorModel() {}

    /**
     * The model.
     *
     * @param name a file of this machine, or {@code hf:OWNER/REPO:QUANT}, which is downloaded once for all executors of a machine
     * @throws IOException if it cannot be had or read
     * @throws IllegalStateException if the JVM has loaded another one
     */
    static synchronized Gemma4 of(String name) throws IOException {
        if (loaded == null) {
            loaded = ModelHub.fromEnvironment().load(name, LoadOptions.defaults());
            loadedName = name;
            Runtime.getRuntime().addShutdownHook(new Thread(loaded::close, "gemma4j-executor-model"));
        } else if (!loadedName.equals(name)) {
            throw new IllegalStateException("this executor has loaded " + loadedName + " and has no room for " + name);
        }
        return loaded;
    }
}
