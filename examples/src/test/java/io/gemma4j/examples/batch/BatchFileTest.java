package io.gemma4j.examples.batch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Gemma4Exception;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BatchFileTest {
    @TempDir
    private Path folder;
    private final List<Long> answered = new ArrayList<>();

    private Path in(String text) throws Exception {
        return Files.writeString(folder.resolve("in"), text);
    }

    private Path out() {
        return folder.resolve("out");
    }

    private String answer(long line, byte[] row) {
        answered.add(line);
        return "{\"input\":\"" + RowHash.of(row) + "\",\"text\":\"über " + row.length + "\"}";
    }

    private BatchFile.Result run() throws Exception {
        return new BatchFile(folder.resolve("in"), out()).run(this::answer, (done, total) -> {});
    }

    @Test
    void whatIsNoFileIsNamed() throws Exception {
        in("a\n");
        for (BatchFile wrong : List.of(new BatchFile(folder, out()), new BatchFile(folder.resolve("in"), folder))) {
            String message = assertThrows(FileSystemException.class, () -> wrong.run(this::answer, (done, total) -> {})).getMessage();
            assertEquals(folder + ": expected a file, found a directory, device or pipe", message);
        }
        assertTrue(answered.isEmpty() && Files.notExists(out()));
    }

    @Test
    void whereverARunIsTornTheNextOneCompletesTheFile() throws Exception {
        in("a\n\nbb\r\n \nccc\ndddd");
        assertEquals(new BatchFile.Result(4, 0, 0), run());
        assertEquals(List.of(1L, 3L, 5L, 6L), answered);
        byte[] whole = Files.readAllBytes(out());
        for (int length = 0; length <= whole.length; length++) {
            byte[] torn = Arrays.copyOf(whole, length);
            Files.write(out(), torn);
            answered.clear();
            long complete = new String(torn, StandardCharsets.ISO_8859_1).chars().filter(c -> c == '\n').count();
            assertEquals(new BatchFile.Result(4, complete, 0), run());
            assertEquals(4 - complete, answered.size());
            assertEquals(new String(whole, StandardCharsets.UTF_8), Files.readString(out()));
        }
    }

    @Test
    void anAnswerIsThereBeforeTheNextRowBegins() throws Exception {
        in("a\nb\nc\n");
        BatchFile batch = new BatchFile(folder.resolve("in"), out());
        assertThrows(CancellationException.class, () -> batch.run((line, row) -> {
            if (line == 3) {
                throw new CancellationException("stop");
            }
            assertEquals(line - 1, Files.exists(out()) ? lines() : 0);
            return answer(line, row);
        }, (done, total) -> assertEquals(3, total)));
        assertEquals(2, lines());
        assertEquals(new BatchFile.Result(3, 2, 0), run());
    }

    private long lines() {
        try {
            return Files.readAllLines(out()).size();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void answersToOtherRowsAreNotTaken() throws Exception {
        in("a\nb\n");
        run();
        in("a\nB\n");
        Gemma4Exception e = assertThrows(Gemma4Exception.class, this::run);
        assertTrue(e.getMessage().startsWith(out() + ": line 2: expected the answer to line 2 of "), e.getMessage());
        in("a\n");
        assertTrue(assertThrows(Gemma4Exception.class, this::run).getMessage().contains("expected no more answers than"));
        Files.writeString(out(), "no json\n");
        assertTrue(assertThrows(Gemma4Exception.class, this::run).getMessage().contains("line 1: expected a JSON object"));
    }

    @Test
    void oneProcessWritesAFile() throws Exception {
        in("a\n");
        try (FileChannel channel = FileChannel.open(out(), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            channel.lock();
            channel.write(ByteBuffer.wrap(new byte[0]));
            assertTrue(assertThrows(Gemma4Exception.class, this::run).getMessage().endsWith("another process is writing this file"));
        }
        assertEquals(new BatchFile.Result(1, 0, 0), run());
    }

    @Test
    void theRowsAreNotOverwritten() throws Exception {
        Path in = in("a\n");
        assertThrows(Gemma4Exception.class, () -> new BatchFile(in, in).run(this::answer, (done, total) -> {}));
        assertEquals("a\n", Files.readString(in));
    }

    @Test
    void anEmptyInputHasAnEmptyOutput() throws Exception {
        in("\n");
        assertEquals(new BatchFile.Result(0, 0, 0), run());
        assertEquals(0, Files.size(out()));
    }
}
