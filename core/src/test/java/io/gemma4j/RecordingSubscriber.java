package io.gemma4j;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;

/** Keeps what a publisher sends. */
class RecordingSubscriber implements Flow.Subscriber<String> {
    final List<String> pieces = new CopyOnWriteArrayList<>();
    final AtomicInteger terminals = new AtomicInteger();
    final CountDownLatch subscribed = new CountDownLatch(1);
    final CountDownLatch ended = new CountDownLatch(1);
    volatile Flow.Subscription subscription;
    volatile Throwable error;
    private final long initialDemand;

    RecordingSubscriber(long initialDemand) {
        this.initialDemand = initialDemand;
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
        subscription = given;
        if (initialDemand != 0) {
            given.request(initialDemand);
        }
        subscribed.countDown();
    }

    @Override
    public void onNext(String piece) {
        pieces.add(piece);
    }

    @Override
    public void onError(Throwable thrown) {
        error = thrown;
        end();
    }

    @Override
    public void onComplete() {
        end();
    }

    private void end() {
        terminals.incrementAndGet();
        ended.countDown();
    }
}
