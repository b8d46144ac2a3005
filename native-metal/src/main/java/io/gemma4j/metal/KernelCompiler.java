package io.gemma4j.metal;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Lets Metal compile sources to libraries, and functions of these to pipelines. Thread-safe; the caller releases what it gets. */
final class KernelCompiler {
    /** Metal 3.1, the first with bfloat: {@code (major << 16) + minor}. */
    private static final long LANGUAGE_VERSION = (3L << 16) + 1;

    private KernelCompiler() {}

    /**
     * Compiles a source.
     *
     * @param name of the source, for messages
     * @return a library
     * @throws MetalException with the compiler's messages
     */
    static MemorySegment compile(MemorySegment device, String name, String source) {
        try (AutoreleasePool _ = new AutoreleasePool(); Arena arena = Arena.ofConfined()) {
            MemorySegment options = make("MTLCompileOptions", MetalMessages.newCompileOptions);
            try {
                ObjectiveC.run(() -> { MetalMessages.setLanguageVersion.handle().invokeExact(options, LANGUAGE_VERSION); });
                // Kernels mask with infinities; where less precision is enough, they say so themselves.
                ObjectiveC.run(() -> { MetalMessages.setFastMathEnabled.handle().invokeExact(options, false); });
                MemorySegment text = ObjectiveC.string(source);
                MemorySegment error = arena.allocate(ADDRESS);
                MemorySegment library = ObjectiveC.pointer(
                        () -> (MemorySegment) MetalMessages.newLibraryWithSource.handle().invokeExact(device, text, options, error));
                if (ObjectiveC.isNil(library)) {
                    throw new MetalException("kernel source '" + name + "': " + ObjectiveC.errorText(error.get(ADDRESS, 0)));
                }
                return library;
            } finally {
                ObjectiveC.release(options);
            }
        }
    }

    /**
     * Compiles a function for its constants.
     *
     * @return a compute pipeline state
     * @throws MetalException if the library has no such function, or if it does not compile
     */
    static MemorySegment pipeline(MemorySegment device, MemorySegment library, String function, FunctionConstants constants) {
        try (AutoreleasePool _ = new AutoreleasePool(); Arena arena = Arena.ofConfined()) {
            MemorySegment values = make("MTLFunctionConstantValues", MetalMessages.newFunctionConstantValues);
            MemorySegment compiled = MemorySegment.NULL;
            try {
                for (FunctionConstants.Value each : constants.values()) {
                    MemorySegment bits = arena.allocateFrom(JAVA_INT, each.bits());
                    long type = each.type();
                    long index = each.index();
                    ObjectiveC.run(() -> { MetalMessages.setConstantValue.handle().invokeExact(values, bits, type, index); });
                }
                MemorySegment name = ObjectiveC.string(function);
                MemorySegment error = arena.allocate(ADDRESS);
                MemorySegment specialized = ObjectiveC.pointer(
                        () -> (MemorySegment) MetalMessages.newFunction.handle().invokeExact(library, name, values, error));
                compiled = specialized;
                MemorySegment pipeline = ObjectiveC.isNil(specialized) ? specialized : ObjectiveC.pointer(
                        () -> (MemorySegment) MetalMessages.newComputePipelineState.handle().invokeExact(device, specialized, error));
                if (ObjectiveC.isNil(pipeline)) {
                    throw new MetalException("kernel '" + function + "': " + ObjectiveC.errorText(error.get(ADDRESS, 0)));
                }
                return pipeline;
            } finally {
                ObjectiveC.release(compiled);
                ObjectiveC.release(values);
            }
        }
    }

    private static MemorySegment make(String className, Message message) {
        MemorySegment owner = ObjectiveC.classNamed(className);
        return ObjectiveC.pointer(() -> (MemorySegment) message.handle().invokeExact(owner));
    }
}
