package io.gemma4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.KvType;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.Step.LogitRows;
import io.gemma4j.backend.Step;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class Gemma4DecoderTest {
    private static final String DENSE = "dense-mini-Q4_K_M";
    private static final String ELASTIC = "elastic-mini-Q8_0";
    private static final String MOE = "moe-mini-Q4_K_M";
    /** One row is multiplied by other kernels than several, which sum in another order. */
    private static final double OTHER_ORDER = 1e-5;

    private static RecordingBackend recording;

    private static OpenModel recorded(String fixture, int maxStepRows, String... fusedBlocks) {
        return new OpenModel(RewrittenModel.of(fixture).file(), maxStepRows, backend -> {
            recording = RecordingBackend.before(backend, fusedBlocks);
            return recording.asBackend();
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {DENSE, ELASTIC, MOE})
    void sequencesDecodedInOneStepEqualEachAlone(String fixture) {
        try (OpenModel model = OpenModel.fast(RewrittenModel.of(fixture), 40)) {
            int[] first = model.randomTokens(60, 1);
            int[] second = model.randomTokens(43, 2);
            float[][] firstAlone = model.logits(first);
            float[][] secondAlone = model.logits(second);
            try (KvCache a = model.decoder.newCache(60, KvType.F32); KvCache b = model.decoder.newCache(50, KvType.F32)) {
                // b joins late, while a has been around its ring; both prefill in one step, then both decode.
                model.feed(a, Arrays.copyOf(first, 25), LogitRows.NONE);
                List<float[]> prefilled = model.run(Step.of(List.of(sequence(b, second, 12, LogitRows.ALL), sequence(a, first, 18, LogitRows.LAST))));
                assertTrue(OpenModel.worst(prefilled.subList(0, 12).toArray(float[][]::new), Arrays.copyOf(secondAlone, 12)) <= OTHER_ORDER);
                assertTrue(OpenModel.worst(new float[][] {prefilled.get(12)}, new float[][] {firstAlone[42]}) <= OTHER_ORDER);
                assertEquals(43, a.tokens());
                assertEquals(12, b.tokens());
                while (a.tokens() < 60) {
                    List<float[]> rows = model.run(Step.of(List.of(sequence(a, first, 1, LogitRows.LAST), sequence(b, second, 1, LogitRows.LAST))));
                    float[][] alone = {firstAlone[a.tokens() - 1], secondAlone[b.tokens() - 1]};
                    assertTrue(OpenModel.worst(rows.toArray(float[][]::new), alone) <= OTHER_ORDER, () -> "position " + a.tokens());
                }
            }
        }
    }

    private static Step.Sequence sequence(KvCache cache, int[] text, int count, LogitRows wanted) {
        return new Step.Sequence(cache, Arrays.copyOfRange(text, cache.tokens(), cache.tokens() + count), wanted);
    }

    @Test
    void sequencesThatWantNoLogitsGetNone() {
        try (OpenModel model = OpenModel.of(RewrittenModel.of(ELASTIC), 20); KvCache a = model.decoder.newCache(20, KvType.F32);
                KvCache b = model.decoder.newCache(20, KvType.F16); KvCache alone = model.decoder.newCache(20, KvType.F32)) {
            int[] text = model.randomTokens(6, 4);
            List<float[]> rows = model.run(Step.of(List.of(sequence(b, text, 5, LogitRows.NONE), sequence(a, text, 6, LogitRows.LAST))));
            assertTrue(OpenModel.worst(rows.toArray(float[][]::new), model.feed(alone, text, LogitRows.LAST)) <= OTHER_ORDER);
            assertEquals(List.of(6, 5), List.of(a.tokens(), b.tokens()));
        }
    }

    /** Every block as the interface composes it, every operation seen; then with all blocks left to the backend. */
    @ParameterizedTest
    @ValueSource(strings = {DENSE, ELASTIC, MOE})
    void composedAndFusedBlocksGiveTheSameLogits(String fixture) {
        int[] text;
        float[][] composed;
        try (OpenModel model = recorded(fixture, 7)) {
            text = model.randomTokens(30, 5);
            composed = model.logits(text);
            assertTrue(recording.named("matmul").size() > recording.named("attentionBlock").size());
            assertEquals(5 * model.config.layers().size(), recording.named("attentionBlock").size());
        }
        try (OpenModel model = recorded(fixture, 7, "embedBlock", "perLayerInputBlock", "attentionBlock", "feedForwardBlock", "expertBlock",
                "perLayerEmbeddingBlock", "headBlock")) {
            assertArrayEquals(composed, model.logits(text));
            assertEquals(List.of(), recording.calls.stream().map(RecordingBackend.Call::name)
                    .filter(List.of("matmul", "rmsNorm", "attention", "geglu", "expertMatmul")::contains).toList());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {DENSE, ELASTIC, MOE})
    void stepThatFailsAnywhereHasNotHappened(String fixture) {
        try (OpenModel model = recorded(fixture, 9); KvCache cache = model.decoder.newCache(80, KvType.F32)) {
            RecordingBackend backend = recording;
            int[] text = model.randomTokens(50, 6);
            model.feed(cache, Arrays.copyOf(text, 41), LogitRows.NONE); // more than once around the ring of 16 + 9 - 1
            int[] rest = Arrays.copyOfRange(text, 41, 50);
            backend.calls.clear();
            float[][] expected;
            try (KvCache fresh = model.decoder.newCache(80, KvType.F32)) {
                model.feed(fresh, Arrays.copyOf(text, 41), LogitRows.NONE);
                backend.calls.clear();
                expected = model.feed(fresh, rest, LogitRows.ALL);
            }
            int calls = backend.calls.size();
            RuntimeException failure = new IllegalStateException("failed");
            for (int failing = 0; failing < calls; failing += 7) {
                AtomicInteger left = new AtomicInteger(failing);
                backend.onCall(call -> {
                    if (left.getAndDecrement() == 0) {
                        throw failure;
                    }
                });
                // Other tokens than those that follow: nothing of them may be left.
                int[] others = model.randomTokens(9, failing);
                assertSame(failure, assertThrows(IllegalStateException.class, () -> model.feed(cache, others, LogitRows.ALL)));
                assertEquals(41, cache.tokens());
            }
            backend.onCall(call -> {});
            assertArrayEquals(expected, model.feed(cache, rest, LogitRows.ALL));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {DENSE, ELASTIC, MOE})
    void stepThatIsCancelledAtAnyLayerHasNotHappened(String fixture) {
        try (OpenModel model = OpenModel.fast(RewrittenModel.of(fixture), 9); KvCache cache = model.decoder.newCache(80, KvType.F32)) {
            int[] text = model.randomTokens(50, 7);
            float[][] expected = model.logits(text);
            model.feed(cache, Arrays.copyOf(text, 45), LogitRows.NONE);
            Step other = Step.of(cache, model.randomTokens(9, 8), LogitRows.ALL);
            // Asked before the step, before each layer and before the head.
            for (int asked = 0; asked < model.config.layers().size() + 2; asked++) {
                AtomicInteger left = new AtomicInteger(asked);
                assertThrows(CancellationException.class, () -> model.decoder.run(other, () -> left.getAndDecrement() == 0,
                        (row, logits) -> { throw new AssertionError("logits of a cancelled step"); }), "asked " + asked + " times");
                assertEquals(45, cache.tokens());
            }
            float[][] after = model.feed(cache, Arrays.copyOfRange(text, 45, 50), LogitRows.ALL);
            assertTrue(OpenModel.worst(after, Arrays.copyOfRange(expected, 45, 50)) <= OTHER_ORDER);
        }
    }

    @Test
    void failureOfTheSinkIsAFailureOfTheStep() {
        try (OpenModel model = OpenModel.of(RewrittenModel.of(DENSE), 4); KvCache cache = model.decoder.newCache(8, KvType.F32)) {
            Step step = Step.of(cache, new int[] {1, 2}, LogitRows.ALL);
            assertThrows(ArithmeticException.class, () -> model.decoder.run(step, () -> false, (row, logits) -> {
                throw new ArithmeticException();
            }));
            assertEquals(0, cache.tokens());
            assertEquals(2, model.run(step).size());
        }
    }

    @Test
    void stepsThatAreTooLongOrOutOfDateAreRefused() {
        try (OpenModel model = OpenModel.of(RewrittenModel.of(DENSE), 4); KvCache cache = model.decoder.newCache(8, KvType.F32)) {
            assertThrows(IllegalArgumentException.class, () -> model.run(Step.of(cache, new int[5], LogitRows.LAST)));
            Step step = Step.of(cache, new int[2], LogitRows.LAST);
            model.run(step);
            assertThrows(IllegalStateException.class, () -> model.run(step));
            assertEquals(2, cache.tokens());
            cache.clear();
            model.run(step);
            assertEquals(2, cache.tokens());
        }
    }

    @Test
    void logitsOfManyRowsComeInOrderHoweverManyFitTogether() {
        try (OpenModel model = OpenModel.fast(RewrittenModel.of(DENSE), 30); OpenModel single = OpenModel.fast(RewrittenModel.of(DENSE), 1);
                KvCache cache = model.decoder.newCache(30, KvType.F32)) {
            List<Integer> order = new ArrayList<>();
            model.decoder.run(Step.of(cache, model.randomTokens(30, 9), LogitRows.ALL), () -> false, (row, logits) -> order.add(row));
            assertEquals(IntStream.range(0, 30).boxed().toList(), order);
            assertTrue(OpenModel.worst(model.logits(model.randomTokens(30, 9)), single.logits(model.randomTokens(30, 9))) <= OTHER_ORDER);
        }
    }

    @Test
    void threadsTakeTurnsAndDoNotDisturbEachOther() throws Exception {
        try (OpenModel model = OpenModel.of(RewrittenModel.of(ELASTIC), 5); var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Double>> errors = new ArrayList<>();
            List<float[][]> alone = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                alone.add(model.logits(model.randomTokens(30, i)));
            }
            for (int i = 0; i < 6; i++) {
                int sequence = i;
                errors.add(threads.submit(() -> OpenModel.worst(model.logits(model.randomTokens(30, sequence)), alone.get(sequence))));
            }
            for (Future<Double> error : errors) {
                assertEquals(0, error.get());
            }
        } catch (ExecutionException e) {
            throw new AssertionError(e.getCause());
        }
    }

    @Test
    void waitingStepsCanBeCancelledAndInterrupted() throws Exception {
        try (OpenModel model = OpenModel.of(RewrittenModel.of(DENSE), 4); KvCache busy = model.decoder.newCache(8, KvType.F32);
                KvCache waiting = model.decoder.newCache(8, KvType.F32)) {
            CountDownLatch inside = new CountDownLatch(1);
            CountDownLatch finish = new CountDownLatch(1);
            Thread holder = Thread.startVirtualThread(() -> model.decoder.run(Step.of(busy, new int[] {1}, LogitRows.LAST), () -> false, (row, logits) -> {
                inside.countDown();
                awaitQuietly(finish);
            }));
            inside.await();
            Step step = Step.of(waiting, new int[] {2}, LogitRows.LAST);
            AtomicInteger asked = new AtomicInteger();
            assertThrows(CancellationException.class, () -> model.decoder.run(step, () -> asked.incrementAndGet() > 3, (row, logits) -> {}));

            AtomicReference<Throwable> thrown = new AtomicReference<>();
            Thread waiter = Thread.startVirtualThread(() -> {
                try {
                    model.run(step);
                } catch (CancellationException e) {
                    thrown.set(Thread.currentThread().isInterrupted() ? e : new AssertionError("the interrupt was swallowed"));
                }
            });
            waiter.interrupt();
            waiter.join();
            assertEquals(CancellationException.class, thrown.get().getClass());
            assertEquals(0, waiting.tokens());

            AtomicInteger tokensWhenIdle = new AtomicInteger(-1);
            Thread closer = Thread.startVirtualThread(() -> model.decoder.whenIdle(() -> tokensWhenIdle.set(busy.tokens())));
            finish.countDown();
            holder.join();
            closer.join();
            assertEquals(1, tokensWhenIdle.get());
            assertEquals(1, model.run(step).size());
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
