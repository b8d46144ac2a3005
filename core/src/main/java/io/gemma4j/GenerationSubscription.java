package io.gemma4j;

import java.util.Objects;
import java.util.concurrent.Flow;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One subscriber's generation, following the rules of {@link Flow}: calls in sequence, never more elements than were asked for. */
final class GenerationSubscription implements Flow.Subscription {
    private static final Logger LOG = LoggerFactory.getLogger(Gemma4.class);

    private final GenerationRequest request;
    private final Flow.Subscriber<? super String> subscriber;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private long demand;
    private volatile boolean cancelled;
    private IllegalArgumentException badDemand;

    GenerationSubscription(GenerationRequest request, Flow.Subscriber<? super String> subscriber) {
        this.request = request;
        this.subscriber = Objects.requireNonNull(subscriber, "subscriber");
    }

    void start() {
        Thread.ofVirtual().name("gemma4j-publisher").start(this::publish);
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
            cancelled = true; // ends a step that is running, too
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void publish() {
        try {
            subscriber.onSubscribe(this);
            Throwable failure = null;
            try (GenerationRun run = request.start(() -> cancelled)) {
                publish(run);
            } catch (RuntimeException | Error e) {
                failure = e;
            }
            if (cancelled) {
                return;
            }
            if (failure == null) {
                subscriber.onComplete();
            } else {
                subscriber.onError(failure);
            }
        } catch (RuntimeException | Error e) {
            // Nobody is left to be told: these methods must not throw.
            LOG.warn("A subscriber threw from onSubscribe, onComplete or onError", e);
        }
    }

    private void publish(GenerationRun run) {
        while (!run.hasEnded() && awaitDemand()) {
            String piece = run.next();
            if (piece != null && !cancelled) {
                subscriber.onNext(piece);
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
}
