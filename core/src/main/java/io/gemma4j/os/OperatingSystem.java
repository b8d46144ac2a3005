package io.gemma4j.os;

import com.sun.jna.Memory;
import com.sun.jna.platform.mac.SystemB;
import com.sun.jna.platform.unix.LibCAPI.size_t;
import com.sun.jna.platform.win32.BaseTSD.ULONG_PTRByReference;
import com.sun.jna.platform.win32.Kernel32;
import com.sun.jna.platform.win32.Kernel32Util;
import com.sun.jna.platform.win32.Win32Exception;
import com.sun.jna.platform.win32.WinNT;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.NativeLongByReference;
import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Figures of the machine: its memory and its processor cores. Thread-safe; owns nothing.
 *
 * <p>No method throws: where the exact figure cannot be read, the JDK's own is given instead and the reason is logged once.
 */
public final class OperatingSystem {
    private static final Logger LOG = LoggerFactory.getLogger(OperatingSystem.class);
    private static final AtomicBoolean MEMORY_FALLBACK_LOGGED = new AtomicBoolean();
    private static final AtomicBoolean CORES_FALLBACK_LOGGED = new AtomicBoolean();

    /** The operating systems that differ in what this package asks of them. */
    enum Family {
        LINUX,
        MACOS,
        WINDOWS,
        OTHER;

        static Family current() {
            String name = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
            if (name.startsWith("linux")) {
                return LINUX;
            }
            if (name.startsWith("mac")) {
                return MACOS;
            }
            return name.startsWith("windows") ? WINDOWS : OTHER;
        }
    }

    private OperatingSystem() {}

    /**
     * Memory of the machine or, where the process is confined to a container with less, of the container.
     *
     * @return bytes
     */
    public static long physicalMemoryBytes() {
        return platformBean().getTotalMemorySize();
    }

    /**
     * Memory that this process can take now without anything being swapped out. Pages that only cache files count as available.
     *
     * <p>Linux: {@code MemAvailable} of {@code /proc/meminfo}, but no more than the control groups of the process leave. macOS: free,
     * purgeable and file-backed pages of {@code host_statistics64}. Windows: {@code ullAvailPhys} of {@code GlobalMemoryStatusEx}.
     * A snapshot: other processes take and give memory all the time.
     *
     * @return bytes
     */
    public static long availableMemoryBytes() {
        try {
            return switch (Family.current()) {
                case LINUX -> new LinuxMemory(Path.of("/proc"), Path.of("/sys/fs/cgroup")).availableBytes();
                case MACOS -> availableOnMac();
                // The JDK asks GlobalMemoryStatusEx.
                case WINDOWS, OTHER -> platformBean().getFreeMemorySize();
            };
        } catch (IOException | LinkageError e) {
            // LinkageError: JNA ships no library for this machine, or the folder it unpacks to forbids execution.
            if (MEMORY_FALLBACK_LOGGED.compareAndSet(false, true)) {
                LOG.warn("available memory cannot be read exactly, cached files will not be counted as available: {}", e.toString());
            }
            return platformBean().getFreeMemorySize();
        }
    }

    private static long availableOnMac() throws IOException {
        SystemB system = SystemB.INSTANCE;
        int host = system.mach_host_self();
        NativeLongByReference pageBytes = new NativeLongByReference();
        int status = system.host_page_size(host, pageBytes);
        if (status != 0) {
            throw new IOException("host_page_size: kern_return_t " + status);
        }
        SystemB.VMStatistics64 pages = new SystemB.VMStatistics64();
        IntByReference size = new IntByReference(pages.size() / Integer.BYTES);
        status = system.host_statistics64(host, SystemB.HOST_VM_INFO64, pages, size);
        if (status != 0) {
            throw new IOException("host_statistics64: kern_return_t " + status);
        }
        // Speculative pages are file-backed and counted as free, too.
        return pageBytes.getValue().longValue()
                * (Integer.toUnsignedLong(pages.free_count)
                        - Integer.toUnsignedLong(pages.speculative_count)
                        + Integer.toUnsignedLong(pages.external_page_count)
                        + Integer.toUnsignedLong(pages.purgeable_count));
    }

    /**
     * Processor cores that this process may use, each counted once however many processors it shows to programs. Of a Mac only the fast ones.
     *
     * <p>Linux: the affinity in {@code /proc/self/status} and the topology in {@code /sys}. macOS: {@code hw.perflevel0.physicalcpu}, or
     * {@code hw.physicalcpu} where cores are all alike. Windows: {@code GetLogicalProcessorInformation} and {@code GetProcessAffinityMask}.
     *
     * @return at least 1, and no more than {@link Runtime#availableProcessors()}, which also knows the quota of a container
     */
    public static int physicalCores() {
        int processors = Runtime.getRuntime().availableProcessors();
        try {
            int cores = switch (Family.current()) {
                case LINUX -> new LinuxProcessors(Path.of("/proc"), Path.of("/sys")).physicalCores();
                case MACOS -> coresOnMac();
                case WINDOWS -> coresOnWindows();
                case OTHER -> processors;
            };
            return Math.clamp(cores, 1, processors);
        } catch (IOException | Win32Exception | LinkageError e) {
            if (CORES_FALLBACK_LOGGED.compareAndSet(false, true)) {
                LOG.warn("physical cores cannot be counted, each processor counts as one: {}", e.toString());
            }
            return processors;
        }
    }

    private static int coresOnMac() throws IOException {
        for (String name : new String[] {"hw.perflevel0.physicalcpu", "hw.physicalcpu"}) {
            try (Memory cores = new Memory(Integer.BYTES)) {
                size_t.ByReference bytes = new size_t.ByReference(Integer.BYTES);
                if (SystemB.INSTANCE.sysctlbyname(name, cores, bytes, null, size_t.ZERO) == 0) {
                    return cores.getInt(0);
                }
            }
        }
        throw new IOException("sysctlbyname knows neither hw.perflevel0.physicalcpu nor hw.physicalcpu");
    }

    private static int coresOnWindows() throws IOException {
        Kernel32 kernel = Kernel32.INSTANCE;
        ULONG_PTRByReference allowed = new ULONG_PTRByReference();
        if (!kernel.GetProcessAffinityMask(kernel.GetCurrentProcess(), allowed, new ULONG_PTRByReference())) {
            throw new IOException("GetProcessAffinityMask: " + Kernel32Util.getLastErrorMessage());
        }
        int cores = 0;
        for (WinNT.SYSTEM_LOGICAL_PROCESSOR_INFORMATION unit : Kernel32Util.getLogicalProcessorInformation()) {
            boolean core = unit.relationship == WinNT.LOGICAL_PROCESSOR_RELATIONSHIP.RelationProcessorCore;
            // A process that spans processor groups has an affinity of 0.
            boolean usable = allowed.getValue().longValue() == 0 || (unit.processorMask.longValue() & allowed.getValue().longValue()) != 0;
            cores += core && usable ? 1 : 0;
        }
        return cores;
    }

    private static OperatingSystemMXBean platformBean() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    }
}
