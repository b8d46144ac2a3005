package io.gemma4j.bench.llamacpp;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The few functions of {@code llama.h} that a measurement needs, one handle each, in a library named at run time. Thread-safe. Libraries stay
 * loaded until the process ends.
 *
 * <p>Structures are passed on as the library fills them in, but for the three numbers at the beginning of the context's parameters, so
 * that this works with any version whose structures are not larger than assumed here.
 */
@SuppressWarnings("restricted") // calling C is the purpose
final class LlamaCpp {
    // Parameters and batches go by value and are in memory in every calling convention, where room to spare does no harm.
    private static final MemoryLayout STRUCTURE = MemoryLayout.structLayout(MemoryLayout.sequenceLayout(64, JAVA_LONG));

    private final SymbolLookup symbols;
    private final Path library;

    private final MethodHandle llama_model_default_params;
    private final MethodHandle llama_context_default_params;
    private final MethodHandle llama_model_load_from_file;
    private final MethodHandle llama_model_free;
    private final MethodHandle llama_init_from_model;
    private final MethodHandle llama_free;
    private final MethodHandle llama_n_ctx;
    private final MethodHandle llama_n_batch;
    private final MethodHandle llama_set_n_threads;
    private final MethodHandle llama_get_memory;
    private final MethodHandle llama_memory_clear;
    private final MethodHandle llama_batch_get_one;
    private final MethodHandle llama_decode;
    private final MethodHandle llama_synchronize;
    private final MethodHandle llama_print_system_info;

    /**
     * Loads the library.
     *
     * @throws IOException if it cannot be loaded or lacks a function
     */
    LlamaCpp(Path library) throws IOException {
        this.library = library.toAbsolutePath();
        this.symbols = load(this.library);
        this.llama_model_default_params = link("llama_model_default_params", FunctionDescriptor.of(STRUCTURE));
        this.llama_context_default_params = link("llama_context_default_params", FunctionDescriptor.of(STRUCTURE));
        this.llama_model_load_from_file = link("llama_model_load_from_file", FunctionDescriptor.of(ADDRESS, ADDRESS, STRUCTURE));
        this.llama_model_free = link("llama_model_free", FunctionDescriptor.ofVoid(ADDRESS));
        this.llama_init_from_model = link("llama_init_from_model", FunctionDescriptor.of(ADDRESS, ADDRESS, STRUCTURE));
        this.llama_free = link("llama_free", FunctionDescriptor.ofVoid(ADDRESS));
        this.llama_n_ctx = link("llama_n_ctx", FunctionDescriptor.of(JAVA_INT, ADDRESS));
        this.llama_n_batch = link("llama_n_batch", FunctionDescriptor.of(JAVA_INT, ADDRESS));
        this.llama_set_n_threads = link("llama_set_n_threads", FunctionDescriptor.ofVoid(ADDRESS, JAVA_INT, JAVA_INT));
        this.llama_get_memory = link("llama_get_memory", FunctionDescriptor.of(ADDRESS, ADDRESS));
        this.llama_memory_clear = link("llama_memory_clear", FunctionDescriptor.ofVoid(ADDRESS, JAVA_BOOLEAN));
        this.llama_batch_get_one = link("llama_batch_get_one", FunctionDescriptor.of(STRUCTURE, ADDRESS, JAVA_INT));
        this.llama_decode = link("llama_decode", FunctionDescriptor.of(JAVA_INT, ADDRESS, STRUCTURE));
        this.llama_synchronize = link("llama_synchronize", FunctionDescriptor.ofVoid(ADDRESS));
        this.llama_print_system_info = link("llama_print_system_info", FunctionDescriptor.of(ADDRESS));
        silence();
        loadComputeBackends();
    }

    private static SymbolLookup load(Path library) throws IOException {
        try {
            return SymbolLookup.libraryLookup(library, Arena.global());
        } catch (IllegalArgumentException e) {
            throw new IOException(library + ": expected a shared library that can be loaded: " + e.getMessage(), e);
        }
    }

    private MethodHandle link(String name, FunctionDescriptor signature) throws IOException {
        MemorySegment address = symbols.find(name).orElseThrow(() -> new IOException(library + ": expected the function " + name + " of llama.h"));
        return Linker.nativeLinker().downcallHandle(address, signature);
    }

    /** Its messages would stand in the middle of tables. */
    private void silence() throws IOException {
        MethodHandle ignore = MethodHandles.empty(MethodType.methodType(void.class, int.class, MemorySegment.class, MemorySegment.class));
        MemorySegment callback = Linker.nativeLinker().upcallStub(ignore, FunctionDescriptor.ofVoid(JAVA_INT, ADDRESS, ADDRESS), Arena.global());
        MethodHandle llama_log_set = link("llama_log_set", FunctionDescriptor.ofVoid(ADDRESS, ADDRESS));
        call(() -> {
            llama_log_set.invokeExact(callback, MemorySegment.NULL);
        });
    }

    /** Builds for many processors keep their kernels in libraries of their own, beside this one, and choose at run time. */
    private void loadComputeBackends() throws IOException {
        Optional<MemorySegment> found = symbols.find("ggml_backend_load_all_from_path");
        try (Stream<Path> siblings = Files.list(library.getParent())) {
            for (Path ggml : siblings.filter(path -> path.getFileName().toString().matches("(lib)?ggml[.].*(so|dylib|dll)")).toList()) {
                found = found.or(() -> SymbolLookup.libraryLookup(ggml, Arena.global()).find("ggml_backend_load_all_from_path"));
            }
        }
        if (found.isPresent()) {
            MethodHandle ggml_backend_load_all_from_path = Linker.nativeLinker().downcallHandle(found.get(), FunctionDescriptor.ofVoid(ADDRESS));
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment folder = arena.allocateFrom(library.getParent().toString());
                call(() -> {
                    ggml_backend_load_all_from_path.invokeExact(folder);
                });
            }
        }
    }

    /** Loads a model; a null address where that fails. */
    MemorySegment llama_model_load_from_file(Path model) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment path = arena.allocateFrom(model.toString());
            return get(() -> {
                MemorySegment parameters = (MemorySegment) llama_model_default_params.invokeExact((SegmentAllocator) arena);
                return (MemorySegment) llama_model_load_from_file.invokeExact(path, parameters);
            });
        }
    }

    void llama_model_free(MemorySegment model) {
        call(() -> {
            llama_model_free.invokeExact(model);
        });
    }

    /** Makes a context for so many tokens, of which it takes at most {@code batchTokens} at once; a null address where that fails. */
    MemorySegment llama_init_from_model(MemorySegment model, int contextTokens, int batchTokens) {
        try (Arena arena = Arena.ofConfined()) {
            return get(() -> {
                MemorySegment parameters = (MemorySegment) llama_context_default_params.invokeExact((SegmentAllocator) arena);
                parameters.set(JAVA_INT, 0, contextTokens);
                parameters.set(JAVA_INT, 4, batchTokens);
                parameters.set(JAVA_INT, 8, Math.min(batchTokens, parameters.get(JAVA_INT, 8)));
                return (MemorySegment) llama_init_from_model.invokeExact(model, parameters);
            });
        }
    }

    void llama_free(MemorySegment context) {
        call(() -> {
            llama_free.invokeExact(context);
        });
    }

    int llama_n_ctx(MemorySegment context) {
        return get(() -> (int) llama_n_ctx.invokeExact(context));
    }

    int llama_n_batch(MemorySegment context) {
        return get(() -> (int) llama_n_batch.invokeExact(context));
    }

    void llama_set_n_threads(MemorySegment context, int threads, int threadsForPrompts) {
        call(() -> {
            llama_set_n_threads.invokeExact(context, threads, threadsForPrompts);
        });
    }

    /** Empties the key/value cache of a context. */
    void llama_memory_clear(MemorySegment context) {
        call(() -> {
            MemorySegment memory = (MemorySegment) llama_get_memory.invokeExact(context);
            llama_memory_clear.invokeExact(memory, true);
        });
    }

    /** Adds tokens after those of the context and waits for the logits of the last; 0 where that works. */
    int llama_decode(MemorySegment context, MemorySegment tokens, int count) {
        try (Arena arena = Arena.ofConfined()) {
            return get(() -> {
                MemorySegment batch = (MemorySegment) llama_batch_get_one.invokeExact((SegmentAllocator) arena, tokens, count);
                int code = (int) llama_decode.invokeExact(context, batch);
                llama_synchronize.invokeExact(context);
                return code;
            });
        }
    }

    /** The processor features its kernels use. */
    String llama_print_system_info() {
        return get(() -> ((MemorySegment) llama_print_system_info.invokeExact()).reinterpret(Long.MAX_VALUE).getString(0));
    }

    @FunctionalInterface
    private interface Call {
        void run() throws Throwable;
    }

    @FunctionalInterface
    private interface Get<T> {
        T run() throws Throwable;
    }

    private static void call(Call call) {
        get(() -> {
            call.run();
            return null;
        });
    }

    private static <T> T get(Get<T> call) {
        try {
            return call.run();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("a native function threw what it does not declare", e);
        }
    }
}
