package io.gemma4j.os;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/**
 * Available memory as Linux reports it: the kernel's estimate, cut to what the control groups of this process leave. Immutable.
 *
 * <p>Source: {@code proc_meminfo(5)}, {@code cgroups(7)}, and the kernel's cgroup-v1/memory and cgroup-v2 documents. A group's limit binds
 * the groups below it, so every group from the process's own to the root is asked.
 *
 * @param proc where procfs is mounted
 * @param cgroup where the control groups are mounted: v2 there, v1 controllers in folders of it
 */
record LinuxMemory(Path proc, Path cgroup) {
    /** Names of the files of one version of the memory controller. */
    private record Controller(Path mount, String limit, String usage, String inactiveFile, String activeFile) {}

    /**
     * Reads the figures now.
     *
     * @return bytes
     * @throws IOException {@code meminfo} cannot be read or has no {@code MemAvailable}, as before Linux 3.14
     */
    long availableBytes() throws IOException {
        Path meminfo = proc.resolve("meminfo");
        OptionalLong kibibytes = value(Files.readAllLines(meminfo), "MemAvailable:");
        if (kibibytes.isEmpty()) {
            throw new IOException(meminfo + ": no MemAvailable");
        }
        return Math.min(kibibytes.getAsLong() * 1024, leftByControlGroups());
    }

    private long leftByControlGroups() throws IOException {
        long left = Long.MAX_VALUE;
        List<String> memberships;
        try {
            memberships = Files.readAllLines(proc.resolve("self/cgroup"));
        } catch (NoSuchFileException e) {
            return left;
        }
        for (String membership : memberships) {
            String[] fields = membership.split(":", 3);
            if (fields.length != 3) {
                continue;
            }
            if (fields[0].equals("0")) {
                left = Math.min(left, left(new Controller(cgroup, "memory.max", "memory.current", "inactive_file", "active_file"), fields[2]));
            } else if (List.of(fields[1].split(",")).contains("memory")) {
                left = Math.min(left, left(new Controller(cgroup.resolve("memory"), "memory.limit_in_bytes", "memory.usage_in_bytes",
                        "total_inactive_file", "total_active_file"), fields[2]));
            }
        }
        return left;
    }

    private static long left(Controller controller, String group) throws IOException {
        long left = Long.MAX_VALUE;
        // A container may see a path from outside its own mount: missing folders are skipped, the mount itself is always asked.
        Path root = Path.of("/");
        Path path = controller.mount().resolve(root.relativize(root.resolve(group).normalize()));
        while (path != null && path.startsWith(controller.mount())) {
            left = Math.min(left, leftInGroup(controller, path));
            path = path.getParent();
        }
        return left;
    }

    private static long leftInGroup(Controller controller, Path path) throws IOException {
        try {
            String limit = Files.readString(path.resolve(controller.limit())).strip();
            if (limit.equals("max")) {
                return Long.MAX_VALUE;
            }
            long usage = Long.parseLong(Files.readString(path.resolve(controller.usage())).strip());
            List<String> stat = Files.readAllLines(path.resolve("memory.stat"));
            // Pages that cache files are charged to the group, but the kernel drops them before it refuses memory.
            long cached = value(stat, controller.inactiveFile()).orElse(0) + value(stat, controller.activeFile()).orElse(0);
            return Math.max(0, Long.parseLong(limit) - Math.max(0, usage - cached));
        } catch (NoSuchFileException e) {
            return Long.MAX_VALUE;
        } catch (NumberFormatException e) {
            throw new IOException(path + ": expected a number of bytes: " + e.getMessage(), e);
        }
    }

    private static OptionalLong value(List<String> lines, String key) throws IOException {
        for (String line : lines) {
            String[] words = line.split("\\s+");
            if (words.length > 1 && words[0].equals(key)) {
                try {
                    return OptionalLong.of(Long.parseLong(words[1]));
                } catch (NumberFormatException e) {
                    throw new IOException("expected a number after " + key + ", found " + words[1], e);
                }
            }
        }
        return OptionalLong.empty();
    }
}
