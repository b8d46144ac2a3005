package io.gemma4j.bench.measure;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Where it was measured.
 *
 * @param processor its model
 * @param processors that this process may use
 * @param operatingSystem with version
 * @param jvm name and version
 * @param flags of this process
 */
public record Machine(String processor, int processors, String operatingSystem, String jvm, List<String> flags) {
    private static final Path LINUX_PROCESSORS = Path.of("/proc/cpuinfo");

    /** This machine. */
    public static Machine here() {
        return new Machine(processorModel(), Runtime.getRuntime().availableProcessors(),
                System.getProperty("os.name") + " " + System.getProperty("os.version") + " " + System.getProperty("os.arch"),
                System.getProperty("java.vendor.version", "") + " " + System.getProperty("java.vm.name") + " " + Runtime.version(),
                ManagementFactory.getRuntimeMXBean().getInputArguments());
    }

    private static String processorModel() {
        if (Files.isReadable(LINUX_PROCESSORS)) {
            try (var lines = Files.lines(LINUX_PROCESSORS)) {
                return lines.filter(line -> line.startsWith("model name")).map(line -> line.substring(line.indexOf(':') + 1).strip()).findFirst()
                        .orElse("unknown");
            } catch (IOException e) {
                return "unknown: " + e.getMessage();
            }
        }
        return System.getenv().getOrDefault("PROCESSOR_IDENTIFIER", "unknown");
    }

    /** The most of the Java heap that this process has used, in bytes. */
    public static long peakHeapBytes() {
        return ManagementFactory.getMemoryPoolMXBeans().stream().filter(pool -> pool.getType() == MemoryType.HEAP)
                .map(MemoryPoolMXBean::getPeakUsage).mapToLong(usage -> usage == null ? 0 : usage.getUsed()).sum();
    }
}
