package io.gemma4j;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** Small models to run, and what of them the process still holds. */
final class MiniModels {
    static final Fixture DENSE = Fixture.bundled("dense-mini-Q4_K_M");
    static final Fixture ELASTIC = Fixture.bundled("elastic-mini-Q8_0");
    static final Fixture MOE = Fixture.bundled("moe-mini-Q4_K_M");

    private MiniModels() {}

    /**
     * Two threads on the CPU, with a context of 256 tokens. Scalar kernels give the same bits whenever they run; the order in which vector kernels
     * add lanes may change when they are compiled.
     */
    static LoadOptions options() {
        return LoadOptions.defaults().backend(Backend.CPU).cpuKernels(CpuKernels.SCALAR).threads(2).contextTokens(256);
    }

    static Gemma4 load(Fixture fixture, UnaryOperator<LoadOptions> change) throws IOException {
        return Gemma4.load(fixture.model(), change.apply(options()));
    }

    static Gemma4 dense() throws IOException {
        return load(DENSE, o -> o);
    }

    /** How many regions of this process's memory are mapped from a file. */
    static long mappedRegions(Path file) throws IOException {
        try (Stream<String> regions = Files.lines(Path.of("/proc/self/maps"))) {
            return regions.filter(region -> region.contains(file.getFileName().toString())).count();
        }
    }

    /** Names of the library's threads that are alive. */
    static List<String> libraryThreads() {
        return Thread.getAllStackTraces().keySet().stream().map(Thread::getName).filter(name -> name.startsWith("gemma4j-")).toList();
    }
}
