package io.gemma4j.metal;

import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;

/**
 * The kernels of this library on a device. Each source is compiled once, and each kernel once for each set of its constants, in the background and
 * several at a time, from the moment it is asked for. From one process to the next the system keeps compiled shaders itself, by their content.
 * Thread-safe. Whoever created it closes it, after the kernels' work.
 */
final class KernelLibrary implements AutoCloseable {
    private static final int MAX_COMPILERS = 8;

    private final MetalDevice device;
    private final ExecutorService compilers;
    private final Map<String, CompletableFuture<MemorySegment>> libraries = new ConcurrentHashMap<>();
    private final Map<Key, MetalPipeline> pipelines = new ConcurrentHashMap<>();

    KernelLibrary(MetalDevice device) {
        this.device = device;
        // Compiling uses autorelease pools, which belong to platform threads.
        ThreadFactory threads = Thread.ofPlatform().daemon().name("gemma4j-metal-compiler-", 0).factory();
        compilers = Executors.newFixedThreadPool(Math.min(MAX_COMPILERS, Runtime.getRuntime().availableProcessors()), threads);
    }

    private record Key(String function, FunctionConstants constants) {}

    /**
     * A kernel. Its source file is the one with the longest name that the kernel's name begins with.
     *
     * @param function e.g. {@code matmul_q4_k_tail} of {@code matmul_q4_k.metal}
     * @throws MetalException if there is no such file
     */
    MetalPipeline pipeline(String function, FunctionConstants constants) {
        return pipelines.computeIfAbsent(new Key(function, constants), key -> new MetalPipeline(function, library(fileOf(function)).thenApplyAsync(
                compiled -> MetalPipeline.State.of(KernelCompiler.pipeline(device.handle(), compiled, function, constants)), compilers)));
    }

    private CompletableFuture<MemorySegment> library(String file) {
        return libraries.computeIfAbsent(file, name ->
                CompletableFuture.supplyAsync(() -> KernelCompiler.compile(device.handle(), name, KernelSource.read(name)), compilers));
    }

    /** Starts compiling a source file whose kernels are going to be asked for; nothing happens where there is no such file. */
    void prepare(String file) {
        if (KernelSource.exists(file)) {
            library(file);
        }
    }

    /** A kernel without constants. */
    MetalPipeline pipeline(String function) {
        return pipeline(function, FunctionConstants.NONE);
    }

    private static String fileOf(String function) {
        String file = function;
        while (!KernelSource.exists(file)) {
            if (file.indexOf('_') < 0) {
                throw new MetalException("this build of gemma4j-metal has no kernel '" + function + "'");
            }
            file = file.substring(0, file.lastIndexOf('_'));
        }
        return file;
    }

    @Override
    public void close() {
        pipelines.values().forEach(MetalPipeline::close);
        pipelines.clear();
        libraries.values().forEach(library -> library.handle((compiled, failure) -> {
            if (failure == null) {
                ObjectiveC.release(compiled);
            }
            return null;
        }).join());
        libraries.clear();
        compilers.shutdown();
    }
}
