package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** A driver whose functions succeed and do nothing, but for those a test gives another body; for a process of its own. */
final class FakeDriver {
    private final Path folder;

    /**
     * Compiles the library.
     *
     * @param missing functions it lacks
     * @param bodies C functions in place of the plain ones
     */
    FakeDriver(Path folder, Set<String> missing, String... bodies) throws IOException, InterruptedException {
        this.folder = folder;
        String own = String.join("\n", bodies);
        StringBuilder source = new StringBuilder("#include <string.h>\n#include <stddef.h>\n").append(own).append('\n');
        for (String name : new TreeSet<>(CudaDriver.descriptors().keySet())) {
            if (!missing.contains(name) && !own.contains("int " + name + "(")) {
                source.append("int ").append(name).append("() { return 0; }\n");
            }
        }
        Path file = Files.writeString(folder.resolve("driver.c"), source);
        CCompiler.run("-shared", "-fPIC", "-w", "-o", folder.resolve("libcuda.so.1").toString(), file.toString());
    }

    /** What a class prints that runs on this driver. */
    String run(Class<?> main) throws IOException, InterruptedException {
        ProcessBuilder java = new ProcessBuilder(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"), main.getName())).redirectErrorStream(true);
        java.environment().put("LD_LIBRARY_PATH", folder.toString());
        Process process = java.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        return output;
    }
}
