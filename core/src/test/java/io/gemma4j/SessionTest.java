package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class SessionTest {
    private static Gemma4 model;

    @BeforeAll
    static void load() throws Exception {
        model = MiniModels.dense();
    }

    @AfterAll
    static void close() {
        model.close();
    }

    static int[] randomTokens(int count, long seed) {
        return new Random(seed).ints(count, 20, 1024).toArray();
    }

    private static float[] logitsAfter(Gemma4 of, int[] tokens) {
        try (Session session = of.newSession()) {
            return session.feed(tokens).logits().toArray();
        }
    }

    private static List<Integer> drawnByHand(Gemma4 of, String prompt, int count, ToIntFunction<Logits> draw) {
        List<Integer> tokens = new ArrayList<>();
        try (Session session = of.newSession()) {
            session.feed(prompt);
            while (tokens.size() < count) {
                tokens.add(draw.applyAsInt(session.logits()));
                session.feed(tokens.getLast());
            }
        }
        return tokens;
    }

    @Test
    void drawingByHandIsWhatGenerateDoes() throws Exception {
        for (Fixture fixture : List.of(MiniModels.DENSE, MiniModels.ELASTIC, MiniModels.MOE)) {
            try (Gemma4 any = MiniModels.load(fixture, o -> o)) {
                List<Integer> greedy = any.prompt("Some text").raw(true).temperature(0).maxTokens(10).generate().tokens();
                assertEquals(greedy, drawnByHand(any, "Some text", greedy.size(), Logits::argmax));
                assertEquals(greedy, drawnByHand(any, "Some text", greedy.size(), logits -> logits.temperature(0).sample()));
                List<Integer> seeded = any.prompt("Some text").raw(true).seed(5).maxTokens(10).generate().tokens();
                assertEquals(seeded, drawnByHand(any, "Some text", seeded.size(), logits -> logits.seed(5).sample()));
            }
        }
    }

    @Test
    void textBeginsWithTheBeginningTokenOnlyAtTheStart() {
        int[] first = model.tokenizer().encode("one", true);
        int[] second = model.tokenizer().encode(" two", false);
        try (Session session = model.newSession()) {
            session.feed("one");
            assertEquals(first.length, session.tokens());
            session.feed(" two");
            assertEquals(first.length + second.length, session.tokens());
            int[] all = IntStream.concat(Arrays.stream(first), Arrays.stream(second)).toArray();
            assertEquals(model.tokenizer().bos(), all[0]);
            assertTrue(Fixture.relativeL2(session.logits().toArray(), logitsAfter(model, all)) < 1e-3);
            session.clear();
            session.feed("one");
            assertEquals(first.length, session.tokens());
            assertTrue(Fixture.relativeL2(session.logits().toArray(), logitsAfter(model, first)) < 1e-6);
        }
    }

    @Test
    void tokensFedInAnyPartsGiveTheLogitsOfOneCall() throws Exception {
        int[] tokens = randomTokens(120, 1);
        Random random = new Random(2);
        for (Fixture fixture : List.of(MiniModels.DENSE, MiniModels.ELASTIC, MiniModels.MOE)) {
            try (Gemma4 exact = MiniModels.load(fixture, o -> o.kvType(KvType.F32).prefillTokens(13))) {
                float[] whole = logitsAfter(exact, tokens);
                try (Session session = exact.newSession()) {
                    for (int from = 0; from < tokens.length;) {
                        int to = Math.min(tokens.length, from + 1 + random.nextInt(30));
                        session.feed(Arrays.copyOfRange(tokens, from, to));
                        assertEquals(to, session.tokens());
                        from = to;
                    }
                    assertTrue(Fixture.relativeL2(session.logits().toArray(), whole) < 1e-4);
                }
            }
        }
    }

    @Test
    void logitsAfterEachTokenAreThoseOfThePrefixes() throws Exception {
        int[] tokens = randomTokens(30, 4);
        try (Gemma4 exact = MiniModels.load(MiniModels.ELASTIC, o -> o.kvType(KvType.F32).prefillTokens(7)); Session session = exact.newSession()) {
            List<float[]> each = new ArrayList<>();
            session.feed(tokens, logits -> each.add(logits.toArray()));
            assertEquals(tokens.length, each.size());
            for (int length : new int[] {1, 7, 8, 29, 30}) {
                assertTrue(Fixture.relativeL2(each.get(length - 1), logitsAfter(exact, Arrays.copyOf(tokens, length))) < 1e-4);
            }
            assertArrayEquals(each.getLast(), session.logits().toArray());
        }
    }

    @Test
    void refusedCallsChangeNothing() {
        try (Session session = model.newSession()) {
            assertThrows(IllegalStateException.class, session::logits);
            session.feed(1, 2, 3);
            float[] before = session.logits().toArray();
            assertThrows(IllegalArgumentException.class, session::feed);
            assertThrows(IllegalArgumentException.class, () -> session.feed(""));
            assertThrows(NullPointerException.class, () -> session.feed((String) null));
            for (int bad : new int[] {-1, 1024, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
                IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> session.feed(5, bad));
                assertTrue(e.getMessage().contains(Integer.toString(bad)) && e.getMessage().contains("1024"), e.getMessage());
            }
            ContextOverflowException e = assertThrows(ContextOverflowException.class, () -> session.feed(new int[254]));
            assertEquals(List.of(254, 3, 256), List.of(e.promptTokens(), e.usedTokens(), e.contextTokens()));
            assertEquals(3, session.tokens());
            assertArrayEquals(before, session.logits().toArray());
            session.feed(new int[253]);
            assertEquals(256, session.tokens());
            assertThrows(ContextOverflowException.class, () -> session.feed(1));
        }
    }

    @Test
    void clearedSessionStartsAnew() {
        int[] tokens = randomTokens(40, 8);
        try (Session session = model.newSession()) {
            session.feed(randomTokens(200, 9));
            session.clear();
            assertEquals(0, session.tokens());
            assertThrows(IllegalStateException.class, session::logits);
            assertArrayEquals(logitsAfter(model, tokens), session.feed(tokens).logits().toArray());
        }
    }

    @Test
    void closedSessionRefusesEverythingButClose() {
        Session session = model.newSession();
        session.feed(1, 2);
        session.close();
        session.close();
        assertClosed(session);
    }

    @Test
    void closedModelRefusesEverythingButClose() throws Exception {
        Gemma4 closed = MiniModels.dense();
        Session session = closed.newSession();
        session.feed(1, 2);
        GenerationRequest request = closed.prompt("a");
        closed.close();
        closed.close();
        assertClosed(session);
        session.close();
        assertThrows(IllegalStateException.class, closed::newSession);
        assertThrows(IllegalStateException.class, () -> closed.generate("a"));
        assertThrows(IllegalStateException.class, request::stream);
        assertEquals(2, closed.tokenizer().bos());
        assertEquals(1024, closed.info().vocabulary());
    }

    private static void assertClosed(Session session) {
        assertThrows(IllegalStateException.class, () -> session.feed(1));
        assertThrows(IllegalStateException.class, () -> session.feed("a"));
        assertThrows(IllegalStateException.class, () -> session.feed(new int[] {1}, logits -> {}));
        assertThrows(IllegalStateException.class, session::logits);
        assertThrows(IllegalStateException.class, session::clear);
    }

    @Test
    void interruptedFeedLeavesASessionThatGoesOnAsIfItHadNotBeenTried() throws Exception {
        int[] tokens = randomTokens(100, 5);
        int[] wrong = randomTokens(100, 6);
        for (Fixture fixture : List.of(MiniModels.DENSE, MiniModels.ELASTIC, MiniModels.MOE)) {
            ObservedBackend backend = new ObservedBackend();
            try (Gemma4 observed = backend.load(fixture, MiniModels.options().kvType(KvType.F32).prefillTokens(8))) {
                float[] fresh = logitsAfter(observed, tokens);
                // Blocks within the first step, in the middle, and near the end; the window is 16 tokens.
                for (int block : new int[] {2, 9, 20}) {
                    try (Session session = observed.newSession()) {
                        session.feed(Arrays.copyOf(tokens, 40));
                        backend.beforeAttentionBlock(block, () -> Thread.currentThread().interrupt());
                        assertThrows(CancellationException.class, () -> session.feed(wrong));
                        assertTrue(Thread.interrupted(), "the flag is kept");
                        assertThrows(IllegalStateException.class, session::logits);
                        int held = session.tokens();
                        assertTrue(held >= 40 && held < 140, "held " + held);
                        if (held == 40) {
                            session.feed(Arrays.copyOfRange(tokens, 40, 100));
                            assertTrue(Fixture.relativeL2(session.logits().toArray(), fresh) < 1e-4);
                        } else {
                            int[] all = IntStream.concat(Arrays.stream(tokens, 0, 40), Arrays.stream(wrong, 0, held - 40)).toArray();
                            all = IntStream.concat(Arrays.stream(all), IntStream.of(33)).toArray();
                            assertTrue(Fixture.relativeL2(session.feed(33).logits().toArray(), logitsAfter(observed, all)) < 1e-4);
                        }
                        session.clear();
                        assertTrue(Fixture.relativeL2(session.feed(tokens).logits().toArray(), fresh) < 1e-4);
                    }
                }
            }
        }
    }

    @Test
    void callbackThatThrowsLeavesTheSessionAsBefore() {
        int[] tokens = randomTokens(20, 3);
        try (Session session = model.newSession()) {
            assertThrows(ArithmeticException.class, () -> session.feed(tokens, logits -> {
                throw new ArithmeticException();
            }));
            assertEquals(0, session.tokens());
            assertArrayEquals(logitsAfter(model, tokens), session.feed(tokens).logits().toArray());
        }
    }

    @Test
    void modelCannotBeRunFromWithinItsOwnStep() {
        int[] tokens = randomTokens(20, 7);
        try (Session session = model.newSession(); Session other = model.newSession()) {
            List<IllegalStateException> refusals = new ArrayList<>();
            List<float[]> logits = new ArrayList<>();
            session.feed(tokens, after -> {
                refusals.add(assertThrows(IllegalStateException.class, () -> other.feed(1, 2)));
                refusals.add(assertThrows(IllegalStateException.class, () -> session.feed(1, 2)));
                refusals.add(assertThrows(IllegalStateException.class, () -> model.generate("a")));
                logits.add(after.toArray());
            });
            assertEquals(3 * tokens.length, refusals.size());
            assertTrue(Fixture.relativeL2(logits.getLast(), logitsAfter(model, tokens)) < 1e-4);
            assertEquals(2, other.feed(1, 2).tokens());
        }
    }
}
