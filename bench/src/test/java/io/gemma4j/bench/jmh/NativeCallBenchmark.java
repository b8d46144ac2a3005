package io.gemma4j.bench.jmh;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a call into C costs through FFM and through JNA: {@code pread} of a file descriptor that does not exist, which has a signature like those
 * of a driver and returns at once. Needs a POSIX system.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@SuppressWarnings("restricted")
public class NativeCallBenchmark {
    private static final FunctionDescriptor SIGNATURE = FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT, ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG);
    private static final MemorySegment PREAD = Linker.nativeLinker().defaultLookup().findOrThrow("pread");
    private static final MethodHandle FFM = Linker.nativeLinker().downcallHandle(PREAD, SIGNATURE);
    private static final MethodHandle FFM_CRITICAL = Linker.nativeLinker().downcallHandle(PREAD, SIGNATURE, Linker.Option.critical(false));
    private static final CLibrary JNA_INTERFACE = Native.load("c", CLibrary.class);

    private int noFile = -1;

    /** The function as an interface. */
    public interface CLibrary extends Library {
        /** Reads from a file at a position. */
        long pread(int file, Pointer to, long bytes, long position);
    }

    /** The function as a native method. */
    static final class Direct {
        static {
            Native.register(Direct.class, "c");
        }

        private Direct() {}

        static native long pread(int file, Pointer to, long bytes, long position);
    }

    private static long requireRefused(long result) {
        Expected.require(result == -1, "-1 for a file that is not open", result);
        return result;
    }

    /** A downcall handle. */
    @Benchmark
    public long ffm() throws Throwable {
        return requireRefused((long) FFM.invokeExact(noFile, MemorySegment.NULL, 0L, 0L));
    }

    /** A downcall handle without the transition of the thread's state. */
    @Benchmark
    public long ffmCritical() throws Throwable {
        return requireRefused((long) FFM_CRITICAL.invokeExact(noFile, MemorySegment.NULL, 0L, 0L));
    }

    /** JNA, mapped to an interface. */
    @Benchmark
    public long jnaInterface() {
        return requireRefused(JNA_INTERFACE.pread(noFile, Pointer.NULL, 0, 0));
    }

    /** JNA, mapped to a native method. */
    @Benchmark
    public long jnaDirect() {
        return requireRefused(Direct.pread(noFile, Pointer.NULL, 0, 0));
    }
}
