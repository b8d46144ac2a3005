package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(240)
class SessionFileTest {
    private static final int HEADER_BYTES = SessionHeader.BYTES;
    // Offsets in the header: after magic, version, fingerprint and type of the cache.
    private static final int VOCABULARY = 60;
    private static final int TOKENS = 64;
    private static final int FIRST_OF_WINDOWS = 68;
    private static final int FIRST_OF_TAILS = 72;
    private static final int LOGITS = 76;

    @TempDir
    private Path folder;

    private static Gemma4 load(Fixture fixture, KvType type) throws IOException {
        return MiniModels.load(fixture, o -> o.kvType(type).prefillTokens(7));
    }

    private Path saved(Gemma4 model, int tokens) throws IOException {
        Path file = folder.resolve("session");
        try (Session session = model.newSession()) {
            if (tokens > 0) {
                session.feed(SessionTest.randomTokens(tokens, tokens));
            }
            session.save(file);
        }
        return file;
    }

    private static float[] logits(Session session) {
        return session.logits().toArray();
    }

    @Test
    void restoredSessionGoesOnAsIfItHadNeverBeenAway() throws Exception {
        int[] next = SessionTest.randomTokens(25, 2);
        for (Fixture fixture : List.of(MiniModels.DENSE, MiniModels.ELASTIC, MiniModels.MOE)) {
            for (KvType type : KvType.values()) {
                for (int tokens : new int[] {1, 16, 17, 70}) {
                    Path file = folder.resolve("session");
                    float[] before;
                    float[] after;
                    try (Gemma4 model = load(fixture, type); Session session = model.newSession().feed(SessionTest.randomTokens(tokens, 1))) {
                        session.save(file);
                        before = logits(session);
                        after = logits(session.feed(next));
                    }
                    try (Gemma4 model = load(fixture, type); Session restored = model.restoreSession(file)) {
                        assertEquals(tokens, restored.tokens());
                        assertArrayEquals(before, logits(restored));
                        assertArrayEquals(after, logits(restored.feed(next)));
                        assertEquals(tokens, restored.rewind(tokens).tokens());
                    }
                }
            }
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(1, files.count(), "nothing is left beside the file");
        }
    }

    /** Tails are of 256 positions here. */
    @Test
    void tailsThatHaveLostPositionsAreForkedAndRestored() throws Exception {
        int[] start = SessionTest.randomTokens(290, 5);
        int[] next = SessionTest.randomTokens(20, 6);
        try (Gemma4 model = MiniModels.load(MiniModels.DENSE, o -> o.kvType(KvType.TQ4).prefillTokens(7).contextTokens(400));
                Session session = model.newSession().feed(start)) {
            for (int cut : new int[] {0, 30}) {
                if (cut > 0) {
                    session.feed(next).rewind(260).feed(next); // what the tail has lost is read from the codes from now on
                }
                session.save(folder.resolve("long"));
                try (Session fork = session.fork(); Session restored = model.restoreSession(folder.resolve("long")); Session second = restored.fork()) {
                    float[] expected = logits(session.feed(next));
                    assertArrayEquals(expected, logits(fork.feed(next)));
                    assertArrayEquals(expected, logits(restored.feed(next)));
                    assertArrayEquals(expected, logits(second.feed(next)));
                }
            }
        }
    }

    @Test
    void contextStepsAndKernelsMayBeOthersThanWhereItWasSaved() throws Exception {
        int[] next = SessionTest.randomTokens(30, 3);
        try (Gemma4 model = MiniModels.load(MiniModels.ELASTIC, o -> o.kvType(KvType.F32).prefillTokens(7));
                Session session = model.newSession().feed(SessionTest.randomTokens(100, 4))) {
            session.save(folder.resolve("a"));
            for (int[] sizes : new int[][] {{130, 1}, {130, 130}, {4096, 50}}) {
                try (Gemma4 other = MiniModels.load(MiniModels.ELASTIC, o -> o.kvType(KvType.F32).contextTokens(sizes[0]).prefillTokens(sizes[1])
                        .cpuKernels(CpuKernels.VECTOR)); Session restored = other.restoreSession(folder.resolve("a"))) {
                    restored.save(folder.resolve("b")); // a second time, from rings of another size
                    try (Session again = model.restoreSession(folder.resolve("b"))) {
                        float[] expected = logits(session.rewind(100).feed(next));
                        assertTrue(Fixture.relativeL2(logits(restored.feed(next)), expected) < 1e-4);
                        assertTrue(Fixture.relativeL2(logits(again.feed(next)), expected) < 1e-4);
                        assertTrue(Fixture.relativeL2(logits(again.rewind(50).feed(next)), logits(restored.rewind(50).feed(next))) < 1e-4);
                    }
                }
            }
        }
    }

    @Test
    void emptySessionAndSessionWithoutLogitsAreKeptAsTheyAre() throws Exception {
        try (Gemma4 model = load(MiniModels.DENSE, KvType.F16); Session session = model.newSession()) {
            try (Session restored = model.restoreSession(saved(model, 0))) {
                assertEquals(0, restored.tokens());
                assertThrows(IllegalStateException.class, restored::logits);
                restored.feed(5);
            }
            session.feed(20, 21).generate(SamplingOptions.greedy(), 5, token -> true);
            session.save(folder.resolve("drawn"));
            try (Session restored = model.restoreSession(folder.resolve("drawn"))) {
                assertEquals(6, restored.tokens());
                assertThrows(IllegalStateException.class, restored::logits);
                assertArrayEquals(logits(session.rewind(6)), logits(restored.rewind(6)));
            }
        }
    }

    @Test
    void fileOfAnotherModelOrCacheIsRefused() throws Exception {
        Path file;
        try (Gemma4 model = load(MiniModels.DENSE, KvType.F16)) {
            file = saved(model, 50);
        }
        try (Gemma4 model = load(MiniModels.MOE, KvType.F16)) {
            assertRefused(model, file, "model: expected the one that is loaded");
        }
        try (Gemma4 model = load(MiniModels.DENSE, KvType.F32)) {
            assertRefused(model, file, "kvType: expected F32, with which the model is loaded, found F16");
        }
        try (Gemma4 model = MiniModels.load(MiniModels.DENSE, o -> o.contextTokens(49))) {
            ContextOverflowException e = assertThrows(ContextOverflowException.class, () -> model.restoreSession(file));
            assertEquals(List.of(50, 49), List.of(e.promptTokens(), e.contextTokens()));
            assertEquals(0, model.openSessions());
        }
        // The same header and sizes, but other weights.
        byte[] bytes = Files.readAllBytes(MiniModels.DENSE.model());
        bytes[bytes.length - 100] ^= 1;
        Path tuned = Files.write(folder.resolve("tuned.gguf"), bytes);
        try (Gemma4 model = Gemma4.load(tuned, MiniModels.options())) {
            assertRefused(model, file, "model: expected");
        }
        // A copy is the same model.
        try (Gemma4 model = Gemma4.load(Files.copy(MiniModels.DENSE.model(), folder.resolve("copy.gguf")), MiniModels.options())) {
            model.restoreSession(file).close();
        }
    }

    private static void assertRefused(Gemma4 model, Path file, String part) {
        int open = model.openSessions();
        SessionFormatException e = assertThrows(SessionFormatException.class, () -> model.restoreSession(file));
        assertTrue(e.getMessage().startsWith(file + ": ") && e.getMessage().contains(part), e.getMessage());
        assertEquals(open, model.openSessions());
    }

    @Test
    void damagedFileIsRefusedWhereverTheDamageIs() throws Exception {
        try (Gemma4 model = load(MiniModels.ELASTIC, KvType.F16)) {
            byte[] sound = Files.readAllBytes(saved(model, 60));
            Path file = folder.resolve("damaged");
            Random random = new Random(7);
            for (int i = 0; i < 400; i++) {
                byte[] bytes = sound.clone();
                int at = i < HEADER_BYTES ? i : random.nextInt(bytes.length);
                bytes[at] ^= (byte) (1 << random.nextInt(8));
                Files.write(file, bytes);
                assertRefused(model, file, "");
            }
            for (int i = 0; i < 100; i++) {
                int length = i < 40 ? 2 * i : random.nextInt(sound.length);
                Files.write(file, Arrays.copyOf(sound, length));
                assertRefused(model, file, "");
            }
            Files.write(file, Arrays.copyOf(sound, sound.length + 1));
            assertRefused(model, file, "length: expected " + sound.length + " bytes for 60 tokens, found " + (sound.length + 1));
            for (int i = 0; i < 50; i++) {
                byte[] noise = new byte[random.nextInt(3 * HEADER_BYTES)];
                random.nextBytes(noise);
                Files.write(file, noise);
                assertRefused(model, file, "");
            }
            Files.write(file, sound);
            model.restoreSession(file).close();
        }
    }

    /** Values that a damaged file hardly has, under a checksum that is right. */
    @Test
    void hostileNumbersAllocateNothing() throws Exception {
        try (Gemma4 model = load(MiniModels.DENSE, KvType.F16)) {
            byte[] sound = Files.readAllBytes(saved(model, 60));
            for (int hostile : new int[] {-1, Integer.MIN_VALUE, Integer.MAX_VALUE, 1 << 30}) {
                assertRefused(model, changed(sound, VOCABULARY, hostile), "vocabulary: expected 1024, found " + hostile);
                assertRefused(model, changed(sound, FIRST_OF_WINDOWS, hostile), "first position of sliding layers");
                assertRefused(model, changed(sound, FIRST_OF_TAILS, hostile), "first position of tails");
                assertRefused(model, changed(sound, LOGITS, hostile), "whether there are logits");
                Path file = changed(sound, TOKENS, hostile);
                Class<? extends Gemma4Exception> expected = hostile < 0 ? SessionFormatException.class : ContextOverflowException.class;
                assertThrows(expected, () -> model.restoreSession(file));
            }
            assertRefused(model, changed(sound, TOKENS, 61), "length");
            assertRefused(model, changed(sound, FIRST_OF_WINDOWS, 60), "first position of sliding layers: expected at most 45, found 60");
            assertRefused(model, changed(sound, 8, 2), "version: expected 1, found 2");
            byte[] token = sound.clone();
            ByteBuffer.wrap(token).order(ByteOrder.LITTLE_ENDIAN).putInt(HEADER_BYTES, 1024);
            assertRefused(model, Files.write(folder.resolve("token"), token), "tokens: expected from 0 to 1023, found 1024");
            assertEquals(0, model.openSessions());
        }
    }

    private Path changed(byte[] sound, int offset, int value) throws IOException {
        byte[] bytes = sound.clone();
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(offset, value);
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, HEADER_BYTES - 4);
        buffer.putInt(HEADER_BYTES - 4, (int) crc.getValue());
        return Files.write(folder.resolve("changed"), bytes);
    }

    @Test
    void fileThatCannotBeReadOrWrittenIsAnInputOutputError() throws Exception {
        try (Gemma4 model = load(MiniModels.DENSE, KvType.F16); Session session = model.newSession().feed(1, 2, 3)) {
            assertThrows(NoSuchFileException.class, () -> model.restoreSession(folder.resolve("absent")));
            assertThrows(IOException.class, () -> model.restoreSession(folder));
            assertThrows(FileSystemException.class, () -> session.save(folder.resolve("absent/session")));
            Files.createDirectories(folder.resolve("full/inside"));
            assertThrows(FileSystemException.class, () -> session.save(folder.resolve("full")));
            assertThrows(FileSystemException.class, () -> session.save(folder.getRoot()));
            assertEquals(3, session.feed(4).rewind(3).tokens());
            try (Stream<Path> files = Files.list(folder)) {
                assertEquals(List.of(folder.resolve("full")), files.toList());
            }
            assertEquals(1, model.openSessions());
        }
    }

    @Test
    void interruptedSaveLeavesTheFileThatWasThere() throws Exception {
        try (Gemma4 model = load(MiniModels.DENSE, KvType.F16); Session session = model.newSession().feed(SessionTest.randomTokens(70, 1))) {
            Path file = saved(model, 5);
            Thread.currentThread().interrupt();
            assertThrows(CancellationException.class, () -> session.save(file));
            assertThrows(CancellationException.class, () -> model.restoreSession(file));
            assertTrue(Thread.interrupted());
            assertEquals(5, model.restoreSession(file).tokens());
            session.save(file);
            assertEquals(70, model.restoreSession(file).tokens());
            try (Stream<Path> files = Files.list(folder)) {
                assertEquals(1, files.count());
            }
        }
    }

    @Test
    void sessionsAreSavedAndRestoredWhileOthersAreAtWork() throws Exception {
        try (Gemma4 model = load(MiniModels.MOE, KvType.F16)) {
            List<CompletableFuture<Void>> all = Stream.of(1, 2, 3).map(i -> CompletableFuture.runAsync(() -> {
                Path file = folder.resolve("session" + i);
                try (Session session = model.newSession().feed(SessionTest.randomTokens(30 * i, i))) {
                    for (int round = 0; round < 10; round++) {
                        session.save(file);
                        try (Session restored = model.restoreSession(file)) {
                            assertArrayEquals(logits(session), logits(restored));
                            assertArrayEquals(logits(session.feed(20 + round)), logits(restored.feed(20 + round)));
                        }
                    }
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            })).toList();
            for (CompletableFuture<Void> one : all) {
                one.get();
            }
        }
    }
}
