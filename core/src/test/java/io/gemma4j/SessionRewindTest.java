package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Sessions that are forked and taken back. Windows are of 16 tokens, rings of 22 with steps of 7. */
@Timeout(240)
class SessionRewindTest {
    private static final List<Fixture> FIXTURES = List.of(MiniModels.DENSE, MiniModels.ELASTIC, MiniModels.MOE);

    private static Gemma4 load(Fixture fixture, KvType type) throws Exception {
        return MiniModels.load(fixture, o -> o.kvType(type).prefillTokens(7));
    }

    private static float[] logits(Session session) {
        return session.logits().toArray();
    }

    @Test
    void forkAndItsOriginGoTheirOwnWaysAsIfEachHadReadEverything() throws Exception {
        int[] start = SessionTest.randomTokens(50, 1);
        int[] one = SessionTest.randomTokens(24, 2);
        int[] other = SessionTest.randomTokens(31, 3);
        for (Fixture fixture : FIXTURES) {
            for (KvType type : KvType.values()) {
                try (Gemma4 model = load(fixture, type); Session origin = model.newSession().feed(start); Session fork = origin.fork();
                        Session alone = model.newSession().feed(start).feed(other)) {
                    assertArrayEquals(logits(origin), logits(fork));
                    origin.feed(one);
                    fork.feed(other);
                    assertEquals(81, fork.tokens());
                    assertArrayEquals(logits(alone), logits(fork));
                    alone.clear();
                    alone.feed(start).feed(one);
                    assertArrayEquals(logits(alone), logits(origin));
                }
            }
        }
    }

    @Test
    void forkOutlivesItsOrigin() throws Exception {
        try (Gemma4 model = load(MiniModels.DENSE, KvType.F16)) {
            Session origin = model.newSession();
            Session empty = origin.fork();
            assertEquals(0, empty.tokens());
            assertThrows(IllegalStateException.class, empty::logits);
            Session fork = origin.feed(SessionTest.randomTokens(50, 4)).fork();
            float[] before = logits(origin);
            origin.close();
            assertThrows(IllegalStateException.class, origin::fork);
            assertArrayEquals(before, logits(fork));
            fork.feed(30, 31);
            assertEquals(2, model.openSessions());
            fork.close();
            empty.close();
            assertEquals(0, model.openSessions());
        }
    }

    @Test
    void takenBackToACheckpointTheRingsAreAsTheyWere() throws Exception {
        int[] start = SessionTest.randomTokens(50, 5);
        int[] next = SessionTest.randomTokens(50, 6);
        for (Fixture fixture : FIXTURES) {
            for (KvType type : KvType.values()) {
                ObservedBackend backend = new ObservedBackend();
                LoadOptions options = MiniModels.options().kvType(type).prefillTokens(7);
                try (Gemma4 model = backend.load(fixture, options); Session session = model.newSession(); Session direct = model.newSession()) {
                    session.feed(start).checkpoint().feed(next);
                    backend.beforeAttentionBlock(-1, () -> {});
                    assertEquals(50, session.rewind(50).tokens());
                    assertEquals(model.info().layers(), backend.attentionBlocks.get(), "one token is read");
                    // The same without a checkpoint, where the rings still hold what is seen.
                    direct.feed(start).feed(next[0]).rewind(50);
                    assertArrayEquals(logits(direct), logits(session));
                    assertArrayEquals(logits(direct.feed(next)), logits(session.feed(next)));
                    // And again, also after the ring has been lost twice.
                    session.rewind(50);
                    assertArrayEquals(logits(direct.rewind(50)), logits(session));
                }
            }
        }
    }

    @Test
    void withoutCheckpointTheTextIsReadAgain() throws Exception {
        int[] tokens = SessionTest.randomTokens(110, 7);
        try (Gemma4 model = MiniModels.load(MiniModels.ELASTIC, o -> o.kvType(KvType.F32).prefillTokens(7).checkpointBytes(0));
                Session session = model.newSession(); Session fresh = model.newSession()) {
            session.feed(Arrays.copyOf(tokens, 60)).checkpoint().feed(Arrays.copyOfRange(tokens, 60, 110)).rewind(60);
            assertEquals(60, session.tokens());
            assertArrayEquals(logits(fresh.feed(Arrays.copyOf(tokens, 60))), logits(session));
        }
    }

    @Test
    void rewindingGivesLogitsOrRefuses() throws Exception {
        try (Gemma4 model = load(MiniModels.DENSE, KvType.F16); Session session = model.newSession()) {
            assertEquals(0, session.rewind(0).tokens());
            session.feed(20, 21, 22);
            float[] all = logits(session);
            assertArrayEquals(all, logits(session.rewind(3)));
            for (int bad : new int[] {-1, 4, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
                IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> session.rewind(bad));
                assertEquals(bad + " tokens cannot be kept of 3", e.getMessage());
            }
            assertArrayEquals(all, logits(session));
            session.rewind(2).feed(22);
            assertTrue(Fixture.relativeL2(logits(session), all) < 1e-3);
            session.rewind(0);
            assertThrows(IllegalStateException.class, session::logits);
            Session closed = session.fork();
            closed.close();
            assertThrows(IllegalStateException.class, () -> closed.rewind(0));
            assertThrows(IllegalStateException.class, closed::checkpoint);
        }
    }

    @Test
    void generatingAndRewindingGivesTheSameTextAgain() throws Exception {
        try (Gemma4 model = load(MiniModels.MOE, KvType.F16); Session session = model.newSession()) {
            int[] prompt = SessionTest.randomTokens(40, 8);
            session.feed(prompt).checkpoint();
            int[] first = new int[60];
            int[] again = new int[60];
            for (int[] drawn : new int[][] {first, again}) {
                session.rewind(40);
                int[] count = {0};
                session.generate(SamplingOptions.defaults().seed(3), 60, token -> {
                    drawn[count[0]++] = token;
                    return true;
                });
                assertEquals(99, session.tokens());
            }
            assertArrayEquals(first, again);
        }
    }

    @Test
    void anySequenceOfOperationsGivesTheLogitsOfTheText(@TempDir Path folder) throws Exception {
        for (long seed = 0; seed < 12; seed++) {
            Fixture fixture = FIXTURES.get((int) seed % 3);
            Random random = new Random(seed);
            try (Gemma4 model = MiniModels.load(fixture, o -> o.kvType(KvType.F32).prefillTokens(1 + random.nextInt(20)).cpuKernels(CpuKernels.VECTOR))) {
                int[] text = {};
                Session session = model.newSession();
                for (int i = 0; i < 40; i++) {
                    switch (random.nextInt(8)) {
                        case 0, 1 -> {
                            int keep = random.nextInt(text.length + 1);
                            session.rewind(keep);
                            text = Arrays.copyOf(text, keep);
                        }
                        case 2 -> session.checkpoint();
                        case 3 -> {
                            Session origin = session;
                            session = origin.fork();
                            origin.close();
                        }
                        case 4 -> {
                            session.save(folder.resolve("session"));
                            session.close();
                            session = model.restoreSession(folder.resolve("session"));
                        }
                        default -> {
                            int[] more = SessionTest.randomTokens(Math.min(1 + random.nextInt(40), 256 - text.length), random.nextLong());
                            if (more.length > 0) {
                                session.feed(more);
                                int held = text.length;
                                text = Arrays.copyOf(text, held + more.length);
                                System.arraycopy(more, 0, text, held, more.length);
                            }
                        }
                    }
                    assertEquals(text.length, session.tokens());
                }
                if (text.length > 0) {
                    try (Session fresh = model.newSession()) {
                        double error = Fixture.relativeL2(logits(session), logits(fresh.feed(text)));
                        assertTrue(error < 1e-4, "seed " + seed + ": " + error);
                    }
                }
                session.close();
            }
        }
    }

    @Test
    void sessionsAreForkedAndTakenBackByManyThreads() throws Exception {
        int[] start = SessionTest.randomTokens(40, 9);
        try (Gemma4 model = load(MiniModels.DENSE, KvType.F16); Session origin = model.newSession().feed(start).checkpoint()) {
            List<Session> forks = List.of(origin.fork(), origin.fork(), origin.fork());
            List<CompletableFuture<float[]>> results = forks.stream().map(fork -> CompletableFuture.supplyAsync(() -> {
                int[] next = SessionTest.randomTokens(30, forks.indexOf(fork));
                for (int i = 0; i < 3; i++) {
                    fork.feed(next).rewind(40);
                    try (Session second = fork.fork()) {
                        second.feed(next);
                    }
                }
                return logits(fork);
            })).toList();
            try (Session direct = origin.fork()) {
                float[] expected = logits(direct.feed(30).rewind(40));
                for (CompletableFuture<float[]> result : results) {
                    assertArrayEquals(expected, result.get());
                }
            }
        }
    }
}
