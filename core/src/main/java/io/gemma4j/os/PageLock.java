package io.gemma4j.os;

import com.sun.jna.Function;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.platform.unix.LibC;
import com.sun.jna.platform.unix.LibCAPI.size_t;
import com.sun.jna.platform.unix.Resource;
import com.sun.jna.platform.win32.BaseTSD.SIZE_T;
import com.sun.jna.platform.win32.BaseTSD.ULONG_PTRByReference;
import com.sun.jna.platform.win32.Kernel32;
import com.sun.jna.platform.win32.Kernel32Util;
import com.sun.jna.platform.win32.WinNT.HANDLE;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Keeps the pages of a memory segment in physical memory, so that they are neither evicted nor swapped out.
 *
 * <p>The system may refuse, which is a result and not an error: see {@link #refusal()}. {@code mlock} on Linux and macOS,
 * {@code VirtualLock} on Windows. Whole pages are locked, and locks do not nest: closing one of two locks that share a page frees that
 * page. Thread-safe. The owner closes the lock before the arena of the segment; where the arena went first, its pages were freed with it.
 *
 * <pre>{@code
 * try (PageLock lock = PageLock.of(weights)) {
 *     lock.refusal().ifPresent(reason -> log.warn("weights may be evicted: {}", reason));
 * }
 * }</pre>
 */
public final class PageLock implements AutoCloseable {
    private static final int MACOS_RLIMIT_MEMLOCK = 6;

    private final MemorySegment segment;
    private final String refusal;
    private boolean locked;

    private PageLock(MemorySegment segment, String refusal) {
        this.segment = segment;
        this.refusal = refusal;
        this.locked = refusal == null;
    }

    /**
     * Locks the pages of a segment. Reads all of them in first, which for a file takes as long as reading the file.
     *
     * @param segment native memory or a mapped file; any length
     * @return the lock, held or refused
     * @throws IllegalArgumentException the segment lies on the Java heap
     */
    public static PageLock of(MemorySegment segment) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException("expected a native or mapped segment, found one on the Java heap: " + segment);
        }
        if (segment.byteSize() == 0) {
            return new PageLock(segment, null);
        }
        try {
            return new PageLock(segment, switch (OperatingSystem.Family.current()) {
                case LINUX -> lockOnUnix(segment, Resource.RLIMIT_MEMLOCK);
                case MACOS -> lockOnUnix(segment, MACOS_RLIMIT_MEMLOCK);
                case WINDOWS -> lockOnWindows(segment);
                case OTHER -> "not supported on " + System.getProperty("os.name");
            });
        } catch (LinkageError e) {
            // JNA ships no library for this machine, or the folder it unpacks to forbids execution.
            return new PageLock(segment, "JNA cannot be used: " + e);
        }
    }

    /**
     * Whether the pages are held now.
     *
     * @return false where the lock was refused or is closed
     */
    public synchronized boolean isHeld() {
        return locked;
    }

    /**
     * Why the system refused the lock, and what would allow it.
     *
     * @return the reason; empty where the lock was given
     */
    public Optional<String> refusal() {
        return Optional.ofNullable(refusal);
    }

    /** Frees the pages for eviction again. Further calls do nothing. */
    @Override
    public synchronized void close() {
        if (!locked) {
            return;
        }
        locked = false;
        if (segment.byteSize() == 0 || !segment.scope().isAlive()) {
            return;
        }
        if (OperatingSystem.Family.current() == OperatingSystem.Family.WINDOWS) {
            Kernel32.INSTANCE.VirtualUnlock(new Pointer(segment.address()), new SIZE_T(segment.byteSize()));
        } else {
            unixFunction("munlock").invokeInt(new Object[] {new Pointer(segment.address()), new size_t(segment.byteSize())});
        }
    }

    private static String lockOnUnix(MemorySegment segment, int memlock) {
        int status = unixFunction("mlock").invokeInt(new Object[] {new Pointer(segment.address()), new size_t(segment.byteSize())});
        if (status == 0) {
            return null;
        }
        int errno = Native.getLastError();
        Resource.Rlimit limit = new Resource.Rlimit();
        String allowed = LibC.INSTANCE.getrlimit(memlock, limit) == 0 ? Long.toUnsignedString(limit.rlim_cur) : "an unknown number of";
        return "mlock of " + segment.byteSize() + " bytes failed with errno " + errno + "; this process may lock " + allowed
                + " bytes (RLIMIT_MEMLOCK, raised by ulimit -l)";
    }

    private static Function unixFunction(String name) {
        return NativeLibrary.getInstance("c").getFunction(name);
    }

    private static String lockOnWindows(MemorySegment segment) {
        Kernel32 kernel = Kernel32.INSTANCE;
        HANDLE process = kernel.GetCurrentProcess();
        NativeLibrary library = NativeLibrary.getInstance("kernel32");
        ULONG_PTRByReference minimum = new ULONG_PTRByReference();
        ULONG_PTRByReference maximum = new ULONG_PTRByReference();
        // No more can be locked than the minimum working set less a small overhead, so that grows by the segment first.
        if (library.getFunction("GetProcessWorkingSetSize").invokeInt(new Object[] {process, minimum, maximum}) == 0) {
            return "GetProcessWorkingSetSize: " + Kernel32Util.formatMessage(Native.getLastError());
        }
        SIZE_T grownMinimum = new SIZE_T(minimum.getValue().longValue() + segment.byteSize());
        SIZE_T grownMaximum = new SIZE_T(maximum.getValue().longValue() + segment.byteSize());
        if (library.getFunction("SetProcessWorkingSetSize").invokeInt(new Object[] {process, grownMinimum, grownMaximum}) == 0) {
            return "SetProcessWorkingSetSize to " + grownMinimum + " bytes: " + Kernel32Util.formatMessage(Native.getLastError());
        }
        if (!kernel.VirtualLock(new Pointer(segment.address()), new SIZE_T(segment.byteSize()))) {
            return "VirtualLock of " + segment.byteSize() + " bytes: " + Kernel32Util.formatMessage(Native.getLastError());
        }
        return null;
    }
}
