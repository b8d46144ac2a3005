package io.gemma4j.metal.fake;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.stream.Stream;

/**
 * Checks shaders as strictly as Metal does, and compiles them for the CPU. What it compiled it keeps, by content, in a folder. Thread-safe.
 */
public final class ShaderCompiler {
    private static final List<String> STRICT = List.of("-x", "clcpp", "-cl-std=CLC++2021", "-cl-no-stdinc", "-Xclang", "-cl-single-precision-constant",
            "-DMSL_STRICT", "-flax-vector-conversions=none", "-Xclang", "-cl-ext=-__opencl_c_pipes,-__opencl_c_device_enqueue,"
            + "-__opencl_c_program_scope_global_variables,-__opencl_c_read_write_images,-cl_khr_fp64,-__opencl_c_fp64", "-fsyntax-only", "-Wall",
            "-Wextra", "-Wno-unused", "-Wno-unused-parameter", "-Wno-unknown-pragmas", "-Werror=unknown-attributes", "-Wconversion",
            "-Wno-implicit-int-conversion", "-Wno-sign-conversion", "-Wno-shorten-64-to-32", "-Wno-implicit-float-conversion", "-Xclang", "-ast-dump",
            "-fno-color-diagnostics");
    // Half-precision arithmetic rounds after each operation, and a literal like 0.5 is no double, as on the GPU.
    private static final List<String> CPU = List.of("-x", "c++", "-std=c++20", "-fPIC", "-shared", "-nostdinc++", "-fno-exceptions", "-fno-rtti", "-w",
            "-ffp-contract=fast", "-Xclang", "-cl-single-precision-constant", "-Xclang", "-ffloat16-excess-precision=none", "-Xclang",
            "-fbfloat16-excess-precision=none", "-nostdlib", "-Wl,--allow-shlib-undefined");
    // Undefined behaviour, or a misaligned access, must not end this process; the latter is found where accesses are checked.
    private static final List<String> EXECUTED = List.of("-O2", "-fsanitize=bounds,integer-divide-by-zero,shift-exponent,float-cast-overflow",
            "-fsanitize-minimal-runtime", "-fmax-type-align=4");
    private static final List<String> CHECKED = List.of("-O1", "-g", "-fsanitize=thread", "-mllvm", "-tsan-instrument-func-entry-exit=0", "-mllvm",
            "-tsan-instrument-atomics=0");

    private final Clang clang;
    private final Path header;
    private final Path folder;
    private final String toolHash;
    private final Map<String, Result> results = new ConcurrentHashMap<>();

    /**
     * Prepares compiling.
     *
     * @param sources of the stand-in for the standard library and of the executor
     * @param folder for compiled shaders
     */
    public ShaderCompiler(Clang clang, Path sources, Path folder) {
        this.clang = clang;
        this.header = sources.resolve("msl/msl.h").toAbsolutePath();
        this.folder = folder.toAbsolutePath();
        try (Stream<Path> headers = Files.walk(sources.resolve("msl"))) {
            Files.createDirectories(folder);
            StringBuilder tools = new StringBuilder(clang.version()).append(STRICT).append(CPU).append(EXECUTED).append(CHECKED);
            for (Path each : headers.filter(Files::isRegularFile).sorted().toList()) {
                tools.append(Files.readString(each));
            }
            toolHash = hash(tools.append(Files.readString(sources.resolve("executor/kernel_interface.h"))).toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * What came of a shader.
     *
     * @param image a shared library, or null if the shader is rejected
     * @param diagnostics what is wrong with it
     */
    public record Result(Path image, String diagnostics) {}

    /**
     * Checks a shader and compiles it.
     *
     * @param checked whether its accesses to memory are to be checked when it runs
     */
    public Result compile(String source, boolean checked) {
        String key = hash(toolHash + checked + source);
        // Two threads that want the same wait for one of them.
        return results.computeIfAbsent(key, name -> compile(source, checked, folder.resolve(name + ".so")));
    }

    /** Compiles shaders in the background, for tests that want them later. */
    public void prepare(List<String> sources) {
        ThreadFactory threads = Thread.ofPlatform().daemon().name("shader-compiler-", 0).factory();
        ExecutorService workers = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors(), threads);
        for (boolean checked : new boolean[] {false, true}) {
            sources.forEach(source -> workers.execute(() -> compile(source, checked)));
        }
        workers.shutdown();
    }

    private Result compile(String source, boolean checked, Path image) {
        if (Files.exists(image)) {
            return new Result(image, "");
        }
        try {
            String preprocessed = preprocess(source);
            Path accepted = folder.resolve(hash(toolHash + source) + ".accepted");
            String wrong = Files.exists(accepted) ? "" : check(preprocessed);
            if (!wrong.isEmpty()) {
                return new Result(null, wrong);
            }
            Files.write(accepted, new byte[0]);
            return link(preprocessed, checked, image);
        } catch (ShaderRewriter.RejectedException e) {
            return new Result(null, e.getMessage());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What Metal would say against a shader, or an empty text. */
    public String check(Path shader) {
        try {
            return check(preprocess(Files.readString(shader)));
        } catch (ShaderRewriter.RejectedException e) {
            return e.getMessage();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    // Macros of the shader are expanded before what stands in for the standard library is there.
    private String preprocess(String source) throws IOException, ShaderRewriter.RejectedException {
        Path file = Files.createTempFile(folder, "shader", ".metal");
        try {
            Files.writeString(file, source.replaceAll("(?m)^\\s*#include <metal_stdlib>.*$", ""));
            Clang.Run run = clang.run(folder, "-E", "-x", "c++", "-nostdinc", "-D__METAL__=1", "-D__METAL_VERSION__=310", file.toString());
            if (run.exitCode() != 0) {
                throw new ShaderRewriter.RejectedException(run.diagnostics());
            }
            return run.output();
        } finally {
            Files.delete(file);
        }
    }

    private String check(String preprocessed) throws IOException, ShaderRewriter.RejectedException {
        String rewritten = "struct " + ShaderLint.BEGIN + ";\n" + ShaderRewriter.forChecking(preprocessed);
        Clang.Run run = run(rewritten, STRICT, List.of());
        if (run.exitCode() != 0) {
            return run.diagnostics();
        }
        return String.join("\n", ShaderLint.findings(run.output(), rewritten));
    }

    private Result link(String preprocessed, boolean checked, Path image) throws IOException, ShaderRewriter.RejectedException {
        List<String> flags = new ArrayList<>(CPU);
        flags.addAll(checked ? CHECKED : EXECUTED);
        if (System.getProperty("os.arch").equals("amd64")) {
            // What any machine of the last ten years has, so that results do not depend on which one it is.
            flags.add("-march=x86-64-v3");
        }
        Path temporary = Files.createTempFile(folder, "shader", ".so");
        Clang.Run run = run(ShaderRewriter.forExecution(preprocessed), flags, List.of("-o", temporary.toString()));
        if (run.exitCode() != 0) {
            Files.delete(temporary);
            return new Result(null, run.diagnostics());
        }
        Files.move(temporary, image, StandardCopyOption.ATOMIC_MOVE);
        return new Result(image, "");
    }

    private Clang.Run run(String source, List<String> flags, List<String> output) throws IOException {
        Path file = Files.createTempFile(folder, "shader", ".cpp");
        try {
            Files.writeString(file, source);
            List<String> arguments = new ArrayList<>(flags);
            arguments.addAll(List.of("-include", header.toString(), file.toString()));
            arguments.addAll(output);
            return clang.run(folder, arguments.toArray(String[]::new));
        } finally {
            Files.delete(file);
        }
    }

    static String hash(String... texts) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(String.join("\0", texts).getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(Arrays.copyOf(digest, 12));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
