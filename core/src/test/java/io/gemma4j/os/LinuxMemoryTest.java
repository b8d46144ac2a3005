package io.gemma4j.os;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LinuxMemoryTest {
    private static final long MIB = 1 << 20;

    @TempDir
    Path root;

    @BeforeEach
    void machineWithAThousandMebibytesAvailable() throws IOException {
        write("proc/meminfo", "MemTotal:       2048000 kB\nMemFree:          10240 kB\nMemAvailable:   1024000 kB\n");
    }

    private void write(String file, String text) throws IOException {
        Path path = root.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private void version2(String group, String max, long currentMib, long inactiveFileMib, long activeFileMib) throws IOException {
        String folder = "cgroup" + group + "/";
        write(folder + "memory.max", max + "\n");
        write(folder + "memory.current", currentMib * MIB + "\n");
        write(folder + "memory.stat",
                "anon 77\nfile 99\ninactive_file " + inactiveFileMib * MIB + "\nactive_file " + activeFileMib * MIB + "\n");
    }

    private void version1(String group, long limitBytes, long usageMib, long inactiveFileMib) throws IOException {
        String folder = "cgroup/memory" + group + "/";
        write(folder + "memory.limit_in_bytes", limitBytes + "\n");
        write(folder + "memory.usage_in_bytes", usageMib * MIB + "\n");
        write(folder + "memory.stat", "inactive_file 5\nactive_file 5\ntotal_inactive_file " + inactiveFileMib * MIB + "\ntotal_active_file 0\n");
    }

    private long availableMib() throws IOException {
        long bytes = new LinuxMemory(root.resolve("proc"), root.resolve("cgroup")).availableBytes();
        assertEquals(0, bytes % MIB, "whole mebibytes in this test");
        return bytes / MIB;
    }

    @Test
    void withoutControlGroupsTheKernelsEstimateStands() throws IOException {
        assertEquals(1000, availableMib());
    }

    @Test
    void unlimitedGroupsChangeNothing() throws IOException {
        write("proc/self/cgroup", "0::/user.slice/app\n");
        version2("/user.slice/app", "max", 900, 0, 0);
        assertEquals(1000, availableMib());
        write("proc/self/cgroup", "4:cpu:/x\n3:memory:/app\n0::/\n");
        version1("/app", 9223372036854771712L, 900, 0);
        assertEquals(1000, availableMib());
    }

    @Test
    void fileCacheOfTheGroupCountsAsAvailable() throws IOException {
        write("proc/self/cgroup", "0::/app\n");
        version2("/app", Long.toString(512 * MIB), 400, 100, 50);
        assertEquals(512 - (400 - 150), availableMib());
    }

    @Test
    void tightestGroupOnTheWayToTheRootDecides() throws IOException {
        write("proc/self/cgroup", "0::/outer/middle/inner\n");
        version2("/outer/middle/inner", Long.toString(600 * MIB), 10, 0, 0);
        version2("/outer/middle", Long.toString(300 * MIB), 100, 0, 0);
        version2("/outer", "max", 500, 0, 0);
        assertEquals(200, availableMib());
    }

    @Test
    void pathFromOutsideTheContainerFallsBackToTheMount() throws IOException {
        write("proc/self/cgroup", "7:memory,cpu:/docker/0123abcd\n");
        version1("", 256 * MIB, 200, 30);
        assertEquals(256 - 170, availableMib());
    }

    @Test
    void pathAboveTheMountFallsBackToTheMount() throws IOException {
        write("proc/self/cgroup", "0::/../../sibling\n");
        version2("/", Long.toString(100 * MIB), 10, 0, 0);
        assertEquals(90, availableMib());
    }

    @Test
    void exhaustedGroupLeavesNothing() throws IOException {
        write("proc/self/cgroup", "0::/app\n");
        version2("/app", Long.toString(100 * MIB), 130, 0, 0);
        assertEquals(0, availableMib());
    }

    @Test
    void damagedFilesAreNamed() throws IOException {
        write("proc/self/cgroup", "0::/app\n");
        version2("/app", "lots", 1, 0, 0);
        IOException group = assertThrows(IOException.class, this::availableMib);
        assertTrue(group.getMessage().contains("app") && group.getMessage().contains("lots"), group::getMessage);
        write("proc/meminfo", "MemTotal: 1 kB\n");
        IOException meminfo = assertThrows(IOException.class, this::availableMib);
        assertTrue(meminfo.getMessage().contains("no MemAvailable"), meminfo::getMessage);
    }
}
