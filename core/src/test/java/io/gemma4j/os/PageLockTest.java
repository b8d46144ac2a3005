package io.gemma4j.os;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel.MapMode;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class PageLockTest {
    private static final long BYTES = 256 << 10;

    private static long lockedBytes() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmLck:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                .findFirst()
                .orElseThrow();
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void mappedFileIsLockedAndFreed(@TempDir Path folder) throws IOException {
        Path file = Files.write(folder.resolve("weights"), new byte[(int) BYTES]);
        long before = lockedBytes();
        try (Arena arena = Arena.ofConfined(); FileChannel channel = FileChannel.open(file)) {
            MemorySegment segment = channel.map(MapMode.READ_ONLY, 0, BYTES, arena);
            PageLock lock = PageLock.of(segment);
            assertEquals(Optional.empty(), lock.refusal());
            assertTrue(lock.isHeld());
            assertEquals(before + BYTES, lockedBytes());
            lock.close();
            assertFalse(lock.isHeld());
            assertEquals(before, lockedBytes());
            lock.close();
            assertEquals(before, lockedBytes());
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void lockOutlivedByItsArenaClosesQuietly() throws IOException {
        long before = lockedBytes();
        PageLock lock;
        try (Arena arena = Arena.ofConfined()) {
            lock = PageLock.of(arena.allocate(BYTES, 4096));
            assertTrue(lock.isHeld());
        }
        lock.close();
        assertFalse(lock.isHeld());
        assertTrue(lockedBytes() <= before + BYTES);
    }

    @Test
    @EnabledOnOs({OS.LINUX, OS.MAC})
    @SuppressWarnings("restricted") // Nothing is read or written there.
    void refusalNamesTheSizeAndTheLimit() {
        // An address range that no process has mapped.
        MemorySegment nowhere = MemorySegment.ofAddress(4096).reinterpret(1L << 46);
        try (PageLock lock = PageLock.of(nowhere)) {
            assertFalse(lock.isHeld());
            String reason = lock.refusal().orElseThrow();
            assertTrue(reason.contains(Long.toString(1L << 46)) && reason.contains("RLIMIT_MEMLOCK"), reason);
        }
    }

    @Test
    void emptySegmentIsHeldWithoutAskingTheSystem() {
        try (PageLock lock = PageLock.of(MemorySegment.NULL)) {
            assertTrue(lock.isHeld());
            assertEquals(Optional.empty(), lock.refusal());
        }
    }

    @Test
    void segmentOnTheHeapIsRejected() {
        assertThrows(IllegalArgumentException.class, () -> PageLock.of(MemorySegment.ofArray(new byte[10])));
    }

    @Test
    void missingNativeLibraryOfJnaIsARefusal() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-Djna.nounpack=true",
                        "-Djna.boot.library.path=" + Path.of("no", "such", "folder"),
                        "-Djna.nosys=true",
                        "-cp", System.getProperty("java.class.path"),
                        WithoutJna.class.getName()))
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes());
        assertEquals(0, process.waitFor(), output);
        assertTrue(output.contains("refused twice: JNA cannot be used"), output);
    }

    /** Runs in a process of its own, where JNA finds no native library. */
    static final class WithoutJna {
        private WithoutJna() {}

        public static void main(String[] arguments) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment segment = arena.allocate(BYTES);
                PageLock.of(segment).refusal().orElseThrow();
                // The second failure is of another class than the first: NoClassDefFoundError.
                System.out.println("refused twice: " + PageLock.of(segment).refusal().orElseThrow());
            }
        }
    }
}
