package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class ConcurrencyTest {

    private static GenerationRequest request(Gemma4 model, long seed) {
        return model.prompt("Prompt number " + seed).seed(seed).maxTokens(8);
    }

    @Test
    void eightThreadsOnOneModelGetWhatEachGetsAlone() throws Exception {
        for (Fixture fixture : List.of(MiniModels.DENSE, MiniModels.ELASTIC, MiniModels.MOE)) {
            try (Gemma4 model = MiniModels.load(fixture, o -> o)) {
                Map<Long, List<Integer>> together = new ConcurrentHashMap<>();
                List<Thread> threads = new ArrayList<>();
                for (long seed = 0; seed < 8; seed++) {
                    long own = seed;
                    Runnable generation = () -> together.put(own, request(model, own).generate().tokens());
                    threads.add(seed % 2 == 0 ? Thread.ofVirtual().start(generation) : Thread.ofPlatform().start(generation));
                }
                for (Thread thread : threads) {
                    thread.join();
                }
                for (long seed = 0; seed < 8; seed++) {
                    assertEquals(request(model, seed).generate().tokens(), together.get(seed));
                }
            }
        }
    }

    @Test
    void secondCallerOfASessionIsRefusedAndTheFirstUnharmed() throws Exception {
        ObservedBackend backend = new ObservedBackend();
        int[] tokens = SessionTest.randomTokens(30, 1);
        try (Gemma4 model = backend.load(MiniModels.DENSE, MiniModels.options()); Session session = model.newSession();
                Session alone = model.newSession()) {
            alone.feed(tokens);
            List<IllegalStateException> refusals = new ArrayList<>();
            backend.beforeAttentionBlock(2, () -> joined(Thread.ofVirtual().start(() -> {
                refusals.add(assertThrows(IllegalStateException.class, () -> session.feed(1)));
                refusals.add(assertThrows(IllegalStateException.class, () -> session.feed(new int[] {1}, logits -> {})));
                refusals.add(assertThrows(IllegalStateException.class, session::logits));
                refusals.add(assertThrows(IllegalStateException.class, session::clear));
            })));
            session.feed(tokens);
            assertEquals(4, refusals.size());
            assertTrue(refusals.getFirst().getMessage().contains("one caller at a time"), refusals.getFirst().getMessage());
            assertArrayEquals(alone.logits().toArray(), session.logits().toArray());
        }
    }

    @Test
    void closingTheSessionFromAnotherThreadEndsItsFeed() throws Exception {
        ObservedBackend backend = new ObservedBackend();
        try (Gemma4 model = backend.load(MiniModels.DENSE, MiniModels.options()); Session session = model.newSession()) {
            AtomicReference<Thread> closer = new AtomicReference<>();
            backend.beforeAttentionBlock(2, () -> closer.set(startAndAwaitWaiting(session::close)));
            assertThrows(CancellationException.class, () -> session.feed(SessionTest.randomTokens(30, 1)));
            joined(closer.get());
            assertEquals(2, backend.attentionBlocks.get(), "no layer begins after the close");
            assertThrows(IllegalStateException.class, () -> session.feed(1));
            assertFalse(model.prompt("x").raw(true).maxTokens(3).generate().tokens().isEmpty());
        }
    }

    @Test
    void closingTheModelFromAnotherThreadEndsEveryGeneration() throws Exception {
        for (int block : new int[] {1, 2, 20}) { // in the prompt and after it
            ObservedBackend backend = new ObservedBackend();
            Gemma4 model = backend.load(MiniModels.DENSE, MiniModels.options());
            AtomicReference<Thread> closer = new AtomicReference<>();
            AtomicReference<Generation> waiting = new AtomicReference<>();
            CountDownLatch ended = new CountDownLatch(1);
            backend.beforeAttentionBlock(block, () -> {
                Thread.ofVirtual().start(() -> {
                    try {
                        waiting.set(request(model, 2).generate());
                    } catch (IllegalStateException e) {
                        assertEquals("the model is closed", e.getMessage());
                    } finally {
                        ended.countDown();
                    }
                });
                closer.set(startAndAwaitWaiting(model::close));
            });
            Generation generation = model.prompt("Hello").raw(true).seed(1).generate();
            joined(closer.get());
            ended.await();
            assertEquals(FinishReason.CANCELLED, generation.finishReason());
            assertEquals(block, backend.attentionBlocks.get(), "no layer begins after the close");
            assertTrue(waiting.get() == null || waiting.get().finishReason() == FinishReason.CANCELLED);
            assertFreed();
        }
    }

    @Test
    void closingTheModelFromWithinTheStreamEndsTheGeneration() throws Exception {
        Gemma4 model = MiniModels.dense();
        StringBuilder text = new StringBuilder();
        Generation generation = model.prompt("Hello").raw(true).seed(1).stream(piece -> {
            text.append(piece);
            if (text.length() > 10) {
                model.close();
            }
        });
        assertEquals(FinishReason.CANCELLED, generation.finishReason());
        assertEquals(text.toString(), generation.text());
        assertTrue(generation.text().length() > 10);
        assertThrows(IllegalStateException.class, () -> model.generate("a"));
        assertFreed();
    }

    @Test
    void closingTheModelFromWithinTheProgressListenerEndsTheGeneration() throws Exception {
        Gemma4 model = MiniModels.load(MiniModels.DENSE, o -> o.prefillTokens(4));
        Generation generation = model.prompt("A prompt of several steps").progress((stage, done, total) -> {
            if (done > 4) {
                model.close();
            }
            return true;
        }).generate();
        assertEquals(FinishReason.CANCELLED, generation.finishReason());
        assertFreed();
    }

    @Test
    void closingSessionOrModelFromWithinAStepTakesEffectWhenItEnds() throws Exception {
        for (boolean closeModel : new boolean[] {false, true}) {
            Gemma4 model = MiniModels.load(MiniModels.DENSE, o -> o.prefillTokens(4));
            Session session = model.newSession();
            List<Logits> seen = new ArrayList<>();
            assertThrows(CancellationException.class, () -> session.feed(SessionTest.randomTokens(30, 2), logits -> {
                seen.add(logits);
                if (closeModel) {
                    model.close();
                } else {
                    session.close();
                }
                assertFalse(MiniModels.libraryThreads().isEmpty(), "the backend lives while the step is running");
            }));
            assertTrue(seen.size() <= 4, "one step at most: " + seen.size());
            assertThrows(IllegalStateException.class, session::logits);
            if (closeModel) {
                assertFreed();
            }
            model.close();
            assertFreed();
        }
    }

    @Test
    void streamThatIsClosedEarlyFreesItsSession() throws Exception {
        ObservedBackend backend = new ObservedBackend();
        try (Gemma4 model = backend.load(MiniModels.DENSE, MiniModels.options())) {
            Stream<String> stream = request(model, 1).stream();
            Iterator<String> pieces = stream.iterator();
            assertFalse(pieces.next().isEmpty());
            int blocks = backend.attentionBlocks.get();
            stream.close();
            stream.close();
            assertEquals(blocks, backend.attentionBlocks.get());
            assertEquals(0, model.openSessions());
            assertFalse(request(model, 1).stream().toList().isEmpty());
            assertEquals(0, model.openSessions(), "a stream that is read to its end closes itself");
        }
    }

    /** Starts a thread that has to wait for the caller, and returns once it does. */
    private static Thread startAndAwaitWaiting(Runnable action) {
        Thread thread = Thread.ofPlatform().start(action);
        while (thread.getState() != Thread.State.TIMED_WAITING && thread.isAlive()) {
            Thread.onSpinWait();
        }
        return thread;
    }

    private static void joined(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void assertFreed() throws Exception {
        assertEquals(List.of(), MiniModels.libraryThreads());
        if (System.getProperty("os.name").equals("Linux")) {
            assertEquals(0, MiniModels.mappedRegions(MiniModels.DENSE.model()));
        }
    }
}
