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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Topologies written to a folder as the kernel shows them. */
class LinuxProcessorsTest {
    @TempDir
    private Path folder;

    private LinuxProcessors processors;

    @BeforeEach
    void makeFolders() throws IOException {
        processors = new LinuxProcessors(Files.createDirectory(folder.resolve("proc")), Files.createDirectory(folder.resolve("sys")));
    }

    private void allow(String list) throws IOException {
        Path self = Files.createDirectories(processors.proc().resolve("self"));
        Files.writeString(self.resolve("status"), "Name:\tjava\nCpus_allowed:\tffff\nCpus_allowed_list:\t" + list + "\nMems_allowed_list:\t0\n");
    }

    private void siblings(int processor, String file, String list) throws IOException {
        Path topology = processors.sys().resolve("devices/system/cpu/cpu" + processor + "/topology");
        Files.writeString(Files.createDirectories(topology).resolve(file), list + "\n");
    }

    @ParameterizedTest
    @CsvSource({
        "0-7, 4", "'0,4', 1", "0-3, 4", "'0,1,4', 2", "7, 1", "'1-2,5-6', 2", "'0-2,7', 4"
    })
    void siblingsCountOnceAndOnlyAllowedProcessorsCount(String allowed, int cores) throws IOException {
        for (int processor = 0; processor < 8; processor++) {
            siblings(processor, "core_cpus_list", processor % 4 + "," + (processor % 4 + 4));
        }
        allow(allowed);
        assertEquals(cores, processors.physicalCores());
    }

    @Test
    void neighboursMayBeSiblingsAndSomeCoresHaveNone() throws IOException {
        for (int processor = 0; processor < 4; processor++) {
            siblings(processor, "core_cpus_list", processor < 2 ? "0-1" : "2-3");
        }
        siblings(4, "core_cpus_list", "4");
        siblings(5, "core_cpus_list", "5");
        allow("0-5");
        assertEquals(4, processors.physicalCores());
    }

    @Test
    void olderKernelsNameTheFileOtherwise() throws IOException {
        siblings(0, "thread_siblings_list", "0,2");
        siblings(1, "thread_siblings_list", "1,3");
        siblings(2, "thread_siblings_list", "0,2");
        siblings(3, "thread_siblings_list", "1,3");
        allow("0-3");
        assertEquals(2, processors.physicalCores());
    }

    @Test
    void withoutATopologyEachProcessorCounts() throws IOException {
        allow("3,5-6");
        assertEquals(3, processors.physicalCores());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x", "3-1", "0-", "-1", "0-99999999", "1,,2"})
    void listsThatAreNoneAreRefusedByName(String list) throws IOException {
        allow(list);
        IOException e = assertThrows(IOException.class, processors::physicalCores);
        assertTrue(e.getMessage().contains("status") && e.getMessage().contains("'" + list + "'"), e.getMessage());
    }

    @Test
    void aStatusWithoutProcessorsIsRefused() throws IOException {
        Path self = Files.createDirectories(processors.proc().resolve("self"));
        Files.writeString(self.resolve("status"), "Name:\tjava\n");
        IOException e = assertThrows(IOException.class, processors::physicalCores);
        assertTrue(e.getMessage().contains("Cpus_allowed_list"), e.getMessage());
    }
}
