package io.gemma4j;

import java.nio.file.Path;
import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A model was loaded. */
@Name("io.gemma4j.Load")
@Label("Model Load")
@Category("Gemma4j")
@Description("A model was loaded")
@StackTrace(false)
final class LoadEvent extends Event {
    @Label("File")
    String file;

    @Label("File Size")
    @DataAmount
    long fileBytes;

    @Label("Backend")
    String backend;

    void commit(Path path, long bytes, String backendName) {
        file = path.toString();
        fileBytes = bytes;
        backend = backendName;
        commit();
    }
}
