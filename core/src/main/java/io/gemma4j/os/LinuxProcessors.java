package io.gemma4j.os;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;

/**
 * The processor cores that Linux lets this process use. Immutable.
 *
 * <p>Source: {@code Cpus_allowed_list} of {@code proc_pid_status(5)}, in which the kernel has applied cpusets and affinity, and the kernel's
 * cputopology document: processors of one core name the same list of siblings.
 *
 * @param proc where procfs is mounted
 * @param sys where sysfs is mounted
 */
record LinuxProcessors(Path proc, Path sys) {
    private static final String ALLOWED = "Cpus_allowed_list:";
    /** The file of a processor's siblings, and what it was called before Linux 5.3. */
    private static final String[] SIBLINGS = {"core_cpus_list", "thread_siblings_list"};
    private static final int MAX_PROCESSORS = 1 << 16;

    /**
     * Cores with at least one processor that this process may run on. A processor whose siblings are unknown counts as a core.
     *
     * @throws IOException {@code status} cannot be read or does not say which processors are allowed
     */
    int physicalCores() throws IOException {
        Path status = proc.resolve("self/status");
        String allowed = Files.readAllLines(status).stream().filter(line -> line.startsWith(ALLOWED)).findFirst()
                .orElseThrow(() -> new IOException(status + ": no " + ALLOWED));
        Set<String> cores = new HashSet<>();
        for (int processor : processors(status, allowed.substring(ALLOWED.length()).strip()).stream().toArray()) {
            cores.add(siblings(processor));
        }
        return cores.size();
    }

    private String siblings(int processor) throws IOException {
        Path topology = sys.resolve("devices/system/cpu/cpu" + processor + "/topology");
        for (String file : SIBLINGS) {
            try {
                return Files.readString(topology.resolve(file)).strip();
            } catch (NoSuchFileException e) {
                // The next name, or none: containers may hide the topology.
            }
        }
        return Integer.toString(processor);
    }

    /** Numbers and ranges of them, separated by commas, as in {@code 0-3,8}. */
    private static BitSet processors(Path file, String list) throws IOException {
        BitSet processors = new BitSet();
        for (String range : list.split(",")) {
            int dash = range.indexOf('-');
            try {
                int first = Integer.parseInt(dash < 0 ? range : range.substring(0, dash));
                int last = dash < 0 ? first : Integer.parseInt(range.substring(dash + 1));
                if (first < 0 || last < first || last >= MAX_PROCESSORS) {
                    throw new NumberFormatException(range);
                }
                processors.set(first, last + 1);
            } catch (NumberFormatException e) {
                throw new IOException(file + ": expected a list of processors after " + ALLOWED + ", found '" + list + "'", e);
            }
        }
        return processors;
    }
}
