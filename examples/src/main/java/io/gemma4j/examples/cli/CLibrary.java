package io.gemma4j.examples.cli;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/** What the command line needs of the C library because Java does not offer it. */
final class CLibrary {
    private static final Optional<MethodHandle> isatty = link("isatty", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    private static final Optional<MethodHandle> signal =
            link("signal", FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.ADDRESS));

    private CLibrary() {}

    /** Whether a file descriptor is a terminal. {@link java.io.Console#isTerminal()} looks at standard input and output only. */
    static boolean isTerminal(int fileDescriptor) {
        if (isatty.isEmpty()) {
            return System.console() != null && System.console().isTerminal();
        }
        try {
            return (int) isatty.get().invokeExact(fileDescriptor) == 1;
        } catch (Throwable e) {
            throw new IllegalStateException("isatty", e);
        }
    }

    /** Gives a signal back to the operating system, whose default for most is to end the process. */
    static void restoreDefaultAction(int signalNumber) {
        if (signal.isPresent()) {
            try {
                MemorySegment previous = (MemorySegment) signal.get().invokeExact(signalNumber, MemorySegment.NULL);
            } catch (Throwable e) {
                throw new IllegalStateException("signal", e);
            }
        }
    }

    @SuppressWarnings("restricted") // calling native code is the purpose
    private static Optional<MethodHandle> link(String function, FunctionDescriptor descriptor) {
        Linker linker = Linker.nativeLinker();
        return linker.defaultLookup().find(function).map(address -> linker.downcallHandle(address, descriptor));
    }
}
