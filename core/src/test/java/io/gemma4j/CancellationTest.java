package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class CancellationTest {
    private static final String LONG_PROMPT = "word after word ".repeat(7);

    /** A model whose prompts take many steps of three layers each. */
    private static Gemma4 load(ObservedBackend backend) throws Exception {
        return backend.load(MiniModels.DENSE, MiniModels.options().prefillTokens(8));
    }

    private static GenerationRequest request(Gemma4 model) {
        return model.prompt(LONG_PROMPT).raw(true).seed(2).maxTokens(12);
    }

    /** Blocks before the first token, and tokens of the whole generation. */
    private static int blocksOfPrefill(Gemma4 model, ObservedBackend backend) {
        backend.attentionBlocks.set(0);
        request(model).maxTokens(1).generate();
        return backend.attentionBlocks.get();
    }

    @Test
    void cancellationEndsPrefillAndDecodingBeforeTheNextLayer() throws Exception {
        ObservedBackend backend = new ObservedBackend();
        try (Gemma4 model = load(backend)) {
            Generation whole = request(model).generate();
            int prefill = blocksOfPrefill(model, backend);
            assertTrue(prefill > 12, "several steps: " + prefill);
            for (int block : new int[] {1, 7, prefill, prefill + 1, prefill + 20}) {
                Cancellation cancellation = new Cancellation();
                backend.beforeAttentionBlock(block, () -> onAnotherThread(cancellation::cancel));
                Generation cancelled = request(model).cancellation(cancellation).generate();
                assertCancelled(whole, cancelled, backend, block, prefill);
                assertTrue(cancellation.isCancelled());
                assertEquals(whole.text(), request(model).generate().text());
            }
        }
    }

    @Test
    void interruptEndsPrefillAndDecodingBeforeTheNextLayerAndIsKept() throws Exception {
        ObservedBackend backend = new ObservedBackend();
        try (Gemma4 model = load(backend)) {
            Generation whole = request(model).generate();
            int prefill = blocksOfPrefill(model, backend);
            for (int block : new int[] {8, prefill, prefill + 17}) {
                Thread generating = Thread.currentThread();
                backend.beforeAttentionBlock(block, () -> onAnotherThread(generating::interrupt));
                Generation cancelled = request(model).generate();
                assertTrue(Thread.interrupted(), "the flag is kept");
                assertCancelled(whole, cancelled, backend, block, prefill);
                assertEquals(whole.text(), request(model).generate().text());
            }
        }
    }

    private static void onAnotherThread(Runnable action) {
        Thread thread = Thread.ofPlatform().start(action);
        while (thread.isAlive()) {
            Thread.onSpinWait(); // join would take the interrupt
        }
    }

    private static void assertCancelled(Generation whole, Generation cancelled, ObservedBackend backend, int block, int prefill) {
        assertEquals(FinishReason.CANCELLED, cancelled.finishReason());
        assertEquals(block, backend.attentionBlocks.get(), "no layer begins after the flag");
        int layers = 3;
        int expectedTokens = block <= prefill ? 0 : 1 + (block - prefill - 1) / layers;
        assertEquals(whole.tokens().subList(0, expectedTokens), cancelled.tokens());
        assertEquals(expectedTokens, cancelled.usage().generatedTokens());
        // An incomplete character may stand at the end.
        assertTrue(whole.text().startsWith(cancelled.text().replaceFirst("\ufffd$", "")), cancelled.text());
    }

    @Test
    void cancelledBeforeItStartsDoesNothing() throws Exception {
        ObservedBackend backend = new ObservedBackend();
        try (Gemma4 model = load(backend)) {
            Cancellation cancellation = new Cancellation();
            assertFalse(cancellation.isCancelled());
            cancellation.cancel();
            Generation generation = request(model).cancellation(cancellation).generate();
            Thread.currentThread().interrupt();
            Generation interrupted = request(model).generate();
            assertTrue(Thread.interrupted());
            for (Generation nothing : List.of(generation, interrupted)) {
                assertEquals(FinishReason.CANCELLED, nothing.finishReason());
                assertEquals("", nothing.text());
                assertEquals(0, nothing.usage().generatedTokens());
            }
            assertEquals(0, backend.attentionBlocks.get());
        }
    }

    @Test
    void cancellationReachesAGenerationThatWaitsForAnother() throws Exception {
        ObservedBackend backend = new ObservedBackend();
        try (Gemma4 model = load(backend)) {
            AtomicReference<Generation> waiting = new AtomicReference<>();
            Cancellation cancellation = new Cancellation();
            backend.beforeAttentionBlock(2, () -> {
                // This step holds the device until the other generation, which waits for it, has ended.
                Thread other = Thread.ofVirtual().start(() -> waiting.set(request(model).cancellation(cancellation).generate()));
                cancellation.cancel();
                onAnotherThread(() -> CompletableFuture.runAsync(() -> joined(other), Runnable::run).join());
            });
            Generation whole = request(model).generate();
            assertEquals(FinishReason.CANCELLED, waiting.get().finishReason());
            assertEquals(whole.text(), request(model).generate().text());
        }
    }

    private static void joined(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void progressOfThePromptIsReportedAndMayEndTheGeneration() throws Exception {
        ObservedBackend backend = new ObservedBackend();
        try (Gemma4 model = load(backend)) {
            List<Long> reports = new ArrayList<>();
            Generation whole = request(model).progress((stage, done, total) -> {
                assertEquals(ProgressListener.Stage.PREFILL, stage);
                assertEquals(model.tokenizer().encode(LONG_PROMPT).length, total);
                reports.add(done);
                return true;
            }).generate();
            assertEquals(0, reports.getFirst());
            assertEquals(whole.usage().promptTokens(), reports.getLast());
            assertEquals(reports.stream().sorted().distinct().toList(), reports);
            for (int abortAt = 0; abortAt < reports.size(); abortAt++) {
                AtomicInteger calls = new AtomicInteger();
                int last = abortAt;
                Generation aborted = request(model).progress((stage, done, total) -> calls.getAndIncrement() < last).generate();
                assertEquals(FinishReason.CANCELLED, aborted.finishReason());
                assertEquals(List.of(), aborted.tokens());
                assertEquals(last + 1, calls.get(), "not asked again");
            }
            assertEquals(whole.text(), request(model).generate().text());
        }
    }
}
