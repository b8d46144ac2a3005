package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class PublisherTest {
    private final ObservedBackend backend = new ObservedBackend();
    private Gemma4 model;

    @BeforeEach
    void load() throws Exception {
        model = backend.load(MiniModels.DENSE, MiniModels.options());
    }

    @AfterEach
    void close() {
        model.close();
    }

    private GenerationRequest request() {
        return model.prompt("Hello").raw(true).seed(1).maxTokens(30);
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        while (!condition.getAsBoolean()) {
            Thread.sleep(1);
        }
    }

    private static void awaitEnd(RecordingSubscriber subscriber) throws InterruptedException {
        assertTrue(subscriber.ended.await(60, TimeUnit.SECONDS));
        assertEquals(1, subscriber.terminals.get());
    }

    @Test
    void elementsComeOnlyAsAskedFor() throws Exception {
        List<String> expected = request().stream().toList();
        RecordingSubscriber subscriber = new RecordingSubscriber(0);
        backend.attentionBlocks.set(0);
        request().publisher().subscribe(subscriber);
        subscriber.subscribed.await();
        for (int asked = 1; asked <= expected.size(); asked++) {
            await(() -> model.openSessions() == 1);
            assertEquals(asked - 1, subscriber.pieces.size());
            assertEquals(0, subscriber.terminals.get());
            int blocks = backend.attentionBlocks.get();
            assertTrue(asked > 1 || blocks == 0, "no work before the first demand");
            subscriber.subscription.request(1);
            int wanted = asked;
            await(() -> subscriber.pieces.size() == wanted);
        }
        // The last text may be followed by tokens without any, for which nothing has been asked.
        subscriber.subscription.request(1);
        awaitEnd(subscriber);
        assertEquals(expected, subscriber.pieces);
        assertNull(subscriber.error);
        assertEquals(0, model.openSessions());
    }

    @Test
    void completionNeedsNoDemandOfItsOwn() throws Exception {
        List<String> expected = request().stop("\0").maxTokens(1).stream().toList();
        RecordingSubscriber subscriber = new RecordingSubscriber(expected.size());
        request().maxTokens(1).publisher().subscribe(subscriber);
        awaitEnd(subscriber);
        assertEquals(expected, subscriber.pieces);
    }

    @Test
    void demandOverflowMeansWithoutBound() throws Exception {
        RecordingSubscriber subscriber = new RecordingSubscriber(Long.MAX_VALUE - 1);
        request().publisher().subscribe(subscriber);
        subscriber.subscribed.await();
        subscriber.subscription.request(Long.MAX_VALUE);
        awaitEnd(subscriber);
        assertEquals(request().stream().toList(), subscriber.pieces);
    }

    @Test
    void cancellingWithinOnNextEndsEverything() throws Exception {
        RecordingSubscriber subscriber = new RecordingSubscriber(Long.MAX_VALUE) {
            @Override
            public void onNext(String piece) {
                super.onNext(piece);
                if (pieces.size() == 3) {
                    subscription.cancel();
                    subscription.request(5);
                    subscription.request(-1);
                }
            }
        };
        request().publisher().subscribe(subscriber);
        await(() -> subscriber.pieces.size() == 3 && model.openSessions() == 0);
        int blocks = backend.attentionBlocks.get();
        request().maxTokens(1).generate(); // time for a wrong signal
        assertEquals(3, subscriber.pieces.size());
        assertEquals(0, subscriber.terminals.get());
        assertTrue(backend.attentionBlocks.get() - blocks <= 3, "the cancelled generation has stopped");
    }

    @Test
    void cancellingFromAnotherThreadEndsAStepThatRuns() throws Exception {
        RecordingSubscriber subscriber = new RecordingSubscriber(Long.MAX_VALUE);
        backend.beforeAttentionBlock(8, () -> subscriber.subscription.cancel());
        request().publisher().subscribe(subscriber);
        await(() -> backend.attentionBlocks.get() == 8 && model.openSessions() == 0);
        assertEquals(0, subscriber.terminals.get());
        assertEquals(8, backend.attentionBlocks.get(), "no layer begins after the cancel");
    }

    @Test
    void cancellingWithoutDemandFreesTheSession() throws Exception {
        RecordingSubscriber subscriber = new RecordingSubscriber(0);
        request().publisher().subscribe(subscriber);
        subscriber.subscribed.await();
        await(() -> model.openSessions() == 1);
        subscriber.subscription.cancel();
        await(() -> model.openSessions() == 0);
        assertEquals(0, subscriber.terminals.get());
        assertEquals(List.of(), subscriber.pieces);
    }

    @Test
    void demandBelowOneIsAnError() throws Exception {
        for (long demand : new long[] {-1, Long.MIN_VALUE}) {
            RecordingSubscriber subscriber = new RecordingSubscriber(demand);
            request().publisher().subscribe(subscriber);
            awaitEnd(subscriber);
            assertInstanceOf(IllegalArgumentException.class, subscriber.error);
            assertTrue(subscriber.error.getMessage().contains(Long.toString(demand)), subscriber.error.getMessage());
            assertEquals(List.of(), subscriber.pieces);
        }
        RecordingSubscriber late = new RecordingSubscriber(2);
        request().publisher().subscribe(late);
        await(() -> late.pieces.size() == 2);
        late.subscription.request(0);
        awaitEnd(late);
        assertInstanceOf(IllegalArgumentException.class, late.error);
        assertEquals(0, model.openSessions());
    }

    @Test
    void whatPreventsTheGenerationGoesToOnError() throws Exception {
        RecordingSubscriber overflow = new RecordingSubscriber(1);
        model.prompt("\n a".repeat(400)).publisher().subscribe(overflow);
        awaitEnd(overflow);
        assertInstanceOf(ContextOverflowException.class, overflow.error);
        GenerationRequest request = request();
        model.close();
        RecordingSubscriber closed = new RecordingSubscriber(1);
        request.publisher().subscribe(closed);
        awaitEnd(closed);
        assertInstanceOf(IllegalStateException.class, closed.error);
        assertEquals(List.of(), closed.pieces);
    }

    @Test
    void closingTheModelCompletesWithTheTextSoFar() throws Exception {
        RecordingSubscriber subscriber = new RecordingSubscriber(Long.MAX_VALUE) {
            @Override
            public void onNext(String piece) {
                super.onNext(piece);
                if (pieces.size() == 2) {
                    model.close();
                }
            }
        };
        request().publisher().subscribe(subscriber);
        awaitEnd(subscriber);
        assertNull(subscriber.error);
        assertFalse(subscriber.pieces.isEmpty());
        assertTrue(subscriber.pieces.size() <= 3, "at most what was held back comes after the close");
    }

    @Test
    void subscriberThatThrowsGetsOneErrorAndNoMore() throws Exception {
        RuntimeException mine = new RuntimeException("mine");
        RecordingSubscriber subscriber = new RecordingSubscriber(Long.MAX_VALUE) {
            @Override
            public void onNext(String piece) {
                throw mine;
            }

            @Override
            public void onError(Throwable thrown) {
                super.onError(thrown);
                throw mine;
            }
        };
        request().publisher().subscribe(subscriber);
        awaitEnd(subscriber);
        assertEquals(mine, subscriber.error);
        RecordingSubscriber atTheEnd = new RecordingSubscriber(Long.MAX_VALUE) {
            @Override
            public void onComplete() {
                super.onComplete();
                throw mine;
            }
        };
        request().publisher().subscribe(atTheEnd);
        awaitEnd(atTheEnd);
        request().generate(); // time for a wrong signal
        assertEquals(1, atTheEnd.terminals.get());
        assertNull(atTheEnd.error);
        assertEquals(0, model.openSessions());
    }

    @Test
    void nullSubscriberIsRefused() {
        assertThrows(NullPointerException.class, () -> request().publisher().subscribe(null));
    }

    @Test
    void everySubscriberGetsAGenerationOfItsOwn() throws Exception {
        Flow.Publisher<String> publisher = request().publisher();
        List<RecordingSubscriber> subscribers = List.of(new RecordingSubscriber(Long.MAX_VALUE), new RecordingSubscriber(Long.MAX_VALUE));
        subscribers.forEach(publisher::subscribe);
        for (RecordingSubscriber subscriber : subscribers) {
            awaitEnd(subscriber);
            assertEquals(request().stream().toList(), subscriber.pieces);
        }
    }
}
