package io.gemma4j.metal.fake;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * An Objective-C runtime and Metal driver that run kernels on the CPU and check how they are used, built from {@code src/test/native} and loaded
 * into this process under the name that the library looks for where there is no macOS. Thread-safe.
 */
@SuppressWarnings("restricted") // memory and functions of a library
public final class FakeMetal {
    private static final Path SOURCES = Path.of("src/test/native").toAbsolutePath();
    private static final Path FOLDER = Path.of("target/fake-metal").toAbsolutePath();
    private static final String[] FLAGS = {"-std=c++20", "-O1", "-g", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"};

    private final ShaderCompiler compiler;
    private volatile UnaryOperator<String> sourceChange = UnaryOperator.identity();
    private final MethodHandle set;
    private final MethodHandle setEncoding;
    private final MethodHandle reset;
    private final MethodHandle takeProblems;
    private final MethodHandle liveObjects;
    private final MethodHandle counts;

    private FakeMetal(Clang clang) {
        compiler = new ShaderCompiler(clang, SOURCES, FOLDER.resolve("shaders"));
        SymbolLookup library = SymbolLookup.libraryLookup(build(clang), Arena.global());
        set = link(library, "fake_metal_set", JAVA_INT, ADDRESS, JAVA_LONG);
        setEncoding = link(library, "fake_metal_set_encoding", JAVA_INT, ADDRESS, ADDRESS, ADDRESS);
        reset = link(library, "fake_metal_reset", null);
        takeProblems = link(library, "fake_metal_take_problems", ADDRESS);
        liveObjects = link(library, "fake_metal_live_objects", ADDRESS);
        counts = link(library, "fake_metal_counts", ADDRESS);
        try {
            MethodHandle compile = MethodHandles.lookup().bind(this, "compile",
                    MethodType.methodType(int.class, MemorySegment.class, int.class, MemorySegment.class, MemorySegment.class, long.class));
            MemorySegment stub = Linker.nativeLinker().upcallStub(compile,
                    FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG), Arena.global());
            link(library, "fake_metal_set_compiler", null, ADDRESS).invokeExact(stub);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * What the checked dispatches of a kernel did together.
     *
     * @param dispatches how many
     */
    public record Counts(long dispatches, long deviceBytesRead, long deviceBytesWritten, long threadgroupBytesRead, long threadgroupBytesWritten,
                         long barriers, long simdgroupOperations) {}

    /** Which of the threads that could run runs next. */
    public enum Schedule { FIFO, LIFO, RANDOM }

    /** Builds and loads it, which is done once in a process. */
    public static FakeMetal load(Clang clang) {
        return new FakeMetal(clang);
    }

    /** The compiler that it uses. */
    public ShaderCompiler compiler() {
        return compiler;
    }

    private static MethodHandle link(SymbolLookup library, String name, MemoryLayout result, MemoryLayout... arguments) {
        return Linker.nativeLinker().downcallHandle(library.find(name).orElseThrow(),
                result == null ? FunctionDescriptor.ofVoid(arguments) : FunctionDescriptor.of(result, arguments));
    }

    private static Path build(Clang clang) {
        try (Stream<Path> files = Files.walk(SOURCES); ExecutorService workers = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors())) {
            List<Path> all = files.filter(file -> file.toString().matches(".*/(driver|executor)/.*\\.(cpp|S|h)")).sorted().toList();
            StringBuilder content = new StringBuilder(clang.version()).append(String.join(" ", FLAGS));
            for (Path file : all) {
                content.append(Files.readString(file));
            }
            Path library = FOLDER.resolve(ShaderCompiler.hash(content.toString()) + "/libMetal.so");
            if (Files.exists(library)) {
                return library;
            }
            Files.createDirectories(library.getParent());
            List<Future<Path>> objects = new ArrayList<>();
            for (Path file : all) {
                if (!file.toString().endsWith(".h")) {
                    objects.add(workers.submit(object(clang, file, library.getParent())));
                }
            }
            List<String> command = new ArrayList<>(List.of("-shared", "-Wl,-soname,libMetal.so", "-o", library + ".new"));
            for (Future<Path> object : objects) {
                command.add(object.get().toString());
            }
            command.addAll(List.of("-lstdc++", "-lm", "-ldl", "-lpthread"));
            require(clang.run(FOLDER, command.toArray(String[]::new)));
            return Files.move(Path.of(library + ".new"), library, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Callable<Path> object(Clang clang, Path file, Path folder) {
        return () -> {
            Path object = folder.resolve(file.getFileName() + ".o");
            boolean assembly = file.toString().endsWith(".S");
            List<String> command = new ArrayList<>(assembly ? List.of() : List.of(FLAGS));
            command.addAll(List.of("-c", file.toString(), "-o", object.toString()));
            require(clang.run(folder, command.toArray(String[]::new)));
            return object;
        };
    }

    private static void require(Clang.Run run) {
        if (run.exitCode() != 0) {
            throw new IllegalStateException(run.diagnostics());
        }
    }

    private int compile(MemorySegment source, int checked, MemorySegment image, MemorySegment diagnostics, long bytes) {
        ShaderCompiler.Result result;
        try {
            result = compiler.compile(sourceChange.apply(text(source)), checked != 0);
        } catch (RuntimeException e) {
            // An exception may not leave an upcall.
            result = new ShaderCompiler.Result(null, e.toString());
        }
        write(result.image() == null ? "" : result.image().toString(), image, bytes);
        write(result.diagnostics(), diagnostics, bytes);
        return result.image() == null ? 1 : 0;
    }

    private static void write(String text, MemorySegment to, long bytes) {
        int length = Math.min(text.length(), (int) bytes / 4);
        to.reinterpret(bytes).setString(0, text.substring(0, length));
    }

    private static String text(MemorySegment text) {
        return text.reinterpret(Long.MAX_VALUE).getString(0);
    }

    /** Sets what {@code test_hooks.cpp} lists by name. */
    public void set(String name, long value) {
        try (Arena arena = Arena.ofConfined()) {
            if ((int) set.invokeExact(arena.allocateFrom(name), value) != 0) {
                throw new IllegalArgumentException("no setting '" + name + "'");
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** Sets in which order threads run. */
    public void setSchedule(Schedule schedule, long seed) {
        set("schedule", schedule.ordinal());
        set("seed", seed);
    }

    /** Whether kernels that are compiled from now on have their accesses checked. */
    public void setChecked(boolean checked) {
        set("check", checked ? 1 : 0);
    }

    /** Changes what a method says of its type. */
    public void setEncoding(String owner, String method, String encoding) {
        try (Arena arena = Arena.ofConfined()) {
            if ((int) setEncoding.invokeExact(arena.allocateFrom(owner), arena.allocateFrom(method), arena.allocateFrom(encoding)) != 0) {
                throw new IllegalArgumentException("no method '" + method + "' of " + owner);
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** Compiles something else than what a program gives, until {@link #reset}. */
    public void changeSources(UnaryOperator<String> change) {
        sourceChange = change;
    }

    /** Back to the settings at the start; forgets counts. */
    public void reset() {
        sourceChange = UnaryOperator.identity();
        try {
            reset.invokeExact();
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** What was done wrong since the last call. */
    public List<String> takeProblems() {
        return lines(takeProblems);
    }

    /** How many objects of each class live. */
    public Map<String, Integer> liveObjects() {
        Map<String, Integer> objects = new TreeMap<>();
        for (String line : lines(liveObjects)) {
            String[] words = line.split(" ");
            objects.put(words[0], Integer.valueOf(words[1]));
        }
        return objects;
    }

    /** What kernels did since the last reset, by name; only dispatches that were checked are counted. */
    public Map<String, Counts> counts() {
        Map<String, Counts> byKernel = new TreeMap<>();
        for (String line : lines(counts)) {
            String[] words = line.split(" ");
            long[] n = Stream.of(words).skip(1).mapToLong(Long::parseLong).toArray();
            byKernel.put(words[0], new Counts(n[0], n[1], n[2], n[3], n[4], n[5], n[6]));
        }
        return byKernel;
    }

    private static List<String> lines(MethodHandle function) {
        try {
            return text((MemorySegment) function.invokeExact()).lines().toList();
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}
