package io.gemma4j.metal;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The kernels of the library, as Metal gets them. */
public final class ShippedKernels {
    private ShippedKernels() {}

    /** One source for each file. */
    public static List<String> sources() {
        try (Stream<Path> files = Files.list(Path.of("src/main/metal"))) {
            return files.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(".metal")).sorted()
                    .map(name -> KernelSource.read(name.substring(0, name.lastIndexOf('.')))).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
