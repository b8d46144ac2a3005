package io.gemma4j.examples;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Gemma4;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedModelTest {
    @TempDir
    Path folder;

    private static byte[] resource() throws Exception {
        try (InputStream in = EmbeddedModel.class.getResourceAsStream("tiny.gguf")) {
            return in.readAllBytes();
        }
    }

    private List<Path> files(Path of) throws Exception {
        try (Stream<Path> files = Files.list(of)) {
            return files.toList();
        }
    }

    @Test
    void theFileHoldsTheModelAndIsWrittenOnce() throws Exception {
        Path cache = folder.resolve("not").resolve("there");
        Path file = EmbeddedModel.file(cache);
        assertArrayEquals(resource(), Files.readAllBytes(file));
        FileTime old = FileTime.from(Instant.now().minus(Duration.ofDays(3)));
        Files.setLastModifiedTime(file, old);
        assertEquals(file, EmbeddedModel.file(cache));
        assertEquals(old.toMillis() / 1000, Files.getLastModifiedTime(file).toMillis() / 1000);
        assertEquals(List.of(file), files(cache));
    }

    @Test
    void aDamagedFileIsReplaced() throws Exception {
        Path file = EmbeddedModel.file(folder);
        for (byte[] damaged : List.of(new byte[5], new byte[(int) Files.size(file)])) {
            Files.write(file, damaged);
            assertEquals(file, EmbeddedModel.file(folder));
            assertArrayEquals(resource(), Files.readAllBytes(file));
        }
    }

    @Test
    void whatAKilledProcessLeftIsRemovedAndWhatARunningOneWritesIsNot() throws Exception {
        Path abandoned = Files.createFile(folder.resolve("a.gguf.1.part"));
        Files.setLastModifiedTime(abandoned, FileTime.from(Instant.now().minus(Duration.ofDays(1))));
        Path running = Files.createFile(folder.resolve("a.gguf.2.part"));
        EmbeddedModel.file(folder);
        assertTrue(Files.notExists(abandoned));
        assertTrue(Files.exists(running));
    }

    @Test
    void manyAtOnceGetTheSameCompleteFile() throws Exception {
        byte[] expected = resource();
        List<Future<Path>> runs = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            Callable<Path> run = () -> {
                Path file = EmbeddedModel.file(folder);
                assertArrayEquals(expected, Files.readAllBytes(file));
                return file;
            };
            for (int i = 0; i < 24; i++) {
                runs.add(threads.submit(run));
            }
        }
        for (Future<Path> run : runs) {
            assertEquals(runs.getFirst().get(), run.get());
        }
        assertEquals(1, files(folder).size());
    }

    @Test
    void whereTheCacheCannotBeWrittenATemporaryFileServes() throws Exception {
        Path blocked = Files.createFile(folder.resolve("a file, no folder"));
        Path file = EmbeddedModel.file(blocked.resolve("gemma4j"));
        assertNotEquals(folder, file.getParent());
        assertArrayEquals(resource(), Files.readAllBytes(file));
    }

    @Test
    void itLoadsAndRuns() throws Exception {
        try (Gemma4 model = EmbeddedModel.load()) {
            assertTrue(model.prompt("Hello").maxTokens(3).generate().usage().generatedTokens() >= 1);
        }
    }
}
