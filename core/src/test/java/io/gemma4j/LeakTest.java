package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
@EnabledOnOs(OS.LINUX)
class LeakTest {

    private static long openFiles() throws IOException {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors.count();
        }
    }

    private static long residentBytes() throws IOException {
        return Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ")[1]) * 4096;
    }

    @Test
    void loadingAndClosingLeavesNoMappingThreadOrFile(@TempDir Path folder) throws Exception {
        Path file = Files.copy(MiniModels.DENSE.model(), folder.resolve("leak.gguf"));
        MiniModels.dense().close();
        long files = openFiles();
        for (int i = 0; i < 200; i++) {
            try (Gemma4 model = Gemma4.load(file, MiniModels.options().contextTokens(16).prefillTokens(4).threads(1 + i % 4))) {
                Session session = model.newSession(); // left to the model
                assertTrue(MiniModels.mappedRegions(file) > 0);
                if (i % 40 == 0) {
                    session.feed(1, 2, 3);
                }
            }
            assertEquals(0, MiniModels.mappedRegions(file));
        }
        assertEquals(List.of(), MiniModels.libraryThreads());
        // Other parts of the process may open a few files of their own meanwhile, but not one for each load.
        assertTrue(openFiles() <= files + 20, files + " files before, " + openFiles() + " after");
    }

    @Test
    void sessionsThatAreClosedFreeTheirMemory() throws Exception {
        // With a small heap, so that resident memory tells what is outside of it.
        String output = ChildJvm.outputOf(ChildJvm.start(List.of(), List.of("-Xmx48m"), OpensSessions.class, MiniModels.DENSE.model().toString()));
        assertTrue(output.contains("freed"), output);
    }

    /** Runs in a process of its own. */
    static final class OpensSessions {
        private OpensSessions() {}

        public static void main(String[] arguments) throws Exception {
            LoadOptions options = MiniModels.options().kvType(KvType.F32).prefillTokens(1);
            long sessionBytes = Gemma4.estimateMemory(Path.of(arguments[0]), options).kvBytesPerSession();
            try (Gemma4 model = Gemma4.load(Path.of(arguments[0]), options)) {
                long before = 0;
                for (int i = 0; i < 1050; i++) {
                    if (i == 50) {
                        before = residentBytes();
                    }
                    try (Session session = model.newSession()) {
                        session.feed(5);
                    }
                }
                long grown = residentBytes() - before;
                boolean freed = grown < 100 * sessionBytes && model.openSessions() == 0 && MiniModels.libraryThreads().size() == 1;
                System.out.println((freed ? "freed" : "kept") + ", " + grown + " bytes more after 1000 sessions of " + sessionBytes);
            }
        }
    }
}
