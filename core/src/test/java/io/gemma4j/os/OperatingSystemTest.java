package io.gemma4j.os;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class OperatingSystemTest {
    private static long meminfoBytes(String key) throws IOException {
        return Files.readAllLines(Path.of("/proc/meminfo")).stream()
                .filter(line -> line.startsWith(key + ":"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                .findFirst()
                .orElseThrow();
    }

    @Test
    void availableMemoryIsPositiveAndAtMostPhysical() {
        long available = OperatingSystem.availableMemoryBytes();
        assertTrue(available > 0, () -> available + " bytes available");
        long physical = OperatingSystem.physicalMemoryBytes();
        assertTrue(available <= physical, () -> available + " bytes available of " + physical);
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void memoryFiguresStayWithinThoseOfTheKernel() throws IOException {
        long total = meminfoBytes("MemTotal");
        assertTrue(OperatingSystem.physicalMemoryBytes() <= total);
        // Other processes move the figure between two readings, so an eighth of the machine is allowed.
        assertTrue(OperatingSystem.availableMemoryBytes() <= meminfoBytes("MemAvailable") + total / 8);
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void systemIsRecognized() {
        assertEquals(OperatingSystem.Family.LINUX, OperatingSystem.Family.current());
    }

    @Test
    void coresArePositiveAndAtMostTheProcessors() {
        int cores = OperatingSystem.physicalCores();
        assertTrue(cores >= 1 && cores <= Runtime.getRuntime().availableProcessors(), () -> cores + " cores");
    }
}
