package io.gemma4j;

import java.util.Objects;
import java.util.concurrent.Flow;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** One subscriber's generation, following the rules of {@link Flow}: calls in sequence, never more elements than were asked for. */
final class GenerationSubscription implements Flow.Subscription {
    private final GenerationRequest request;
    private final Flow.Subscriber<? super String> subscriber;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private long demand;
    private boolean cancelled;
    private IllegalArgumentException badDemand;
    private Thread worker;

    GenerationSubscription(GenerationRequest request, Flow.Subscriber<? super String> subscriber) {
        this.request = request;
        this.subscriber = Objects.requireNonNull(subscriber, "subscriber");
    }

    void start() {
        worker = Thread.ofVirtual().name("gemma4j-publisher").unstarted(this::publish);
        worker.start();
    }

    @Override
    public void request(long n) {
        lock.lock();
        try {
            if (n <= 0) {
                badDemand = new IllegalArgumentException("a subscriber must ask for at least one element, asked for " + n);
            } else {
                demand = demand + n < 0 ? Long.MAX_VALUE : demand + n;
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void cancel() {
        lock.lock();
        try {
            cancelled = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        if (Thread.currentThread() != worker) {
            worker.interrupt(); // ends a step that is running
        }
    }

    private void publish() {
        subscriber.onSubscribe(this);
        try (GenerationRun run = request.start()) {
            while (awaitDemand()) {
                String piece = run.next();
                if (isCancelled()) {
                    return;
                }
                if (piece == null) {
                    subscriber.onComplete();
                    return;
                }
                subscriber.onNext(piece);
            }
        } catch (RuntimeException | Error e) {
            if (!isCancelled()) {
                subscriber.onError(e);
            }
        }
    }

    // False when cancelled.
    private boolean awaitDemand() {
        lock.lock();
        try {
            while (demand == 0 && !cancelled && badDemand == null) {
                changed.awaitUninterruptibly();
            }
            if (badDemand != null && !cancelled) {
                throw badDemand;
            }
            demand -= demand == Long.MAX_VALUE ? 0 : 1;
            return !cancelled;
        } finally {
            lock.unlock();
        }
    }

    private boolean isCancelled() {
        lock.lock();
        try {
            return cancelled;
        } finally {
            lock.unlock();
        }
    }
}
