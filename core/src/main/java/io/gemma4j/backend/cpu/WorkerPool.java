package io.gemma4j.backend.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed set of daemon threads that run the tasks of one loop at a time together with the calling thread. Between loops they spin for a moment,
 * since the next loop of a forward pass is microseconds away, and then park. A loop ends when its tasks are done, not when every thread has looked at
 * it: on a busy machine it does not wait for threads that have no processor. One caller at a time.
 */
final class WorkerPool implements AutoCloseable {
    /** The body of a loop; tasks run in any order, each exactly once. */
    @FunctionalInterface
    interface Body {
        /**
         * Runs one task.
         *
         * @param task its number
         * @param worker which thread runs it, for scratch memory; 0 is the caller
         */
        void run(int task, int worker);
    }

    /** The body of a loop over many small tasks, of which a thread takes several at a time. */
    @FunctionalInterface
    interface RangeBody {
        /** Runs the tasks {@code first .. last - 1}; {@code worker} as in {@link Body#run}. */
        void run(int first, int last, int worker);
    }

    private static final int SPINS_BEFORE_PARKING = 20_000;
    private static final int SPINS_BEFORE_YIELDING = 20_000;
    private static final int RANGES_PER_WORKER = 4;

    private final Thread[] threads;
    /** Tasks that nobody has taken yet. */
    private final AtomicInteger untaken = new AtomicInteger();
    /** Tasks that are not done yet. The next loop begins when there are none, so whoever has taken one may rely on {@link #body}. */
    private final AtomicInteger undone = new AtomicInteger();
    private final AtomicInteger parking = new AtomicInteger();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private volatile int loops;
    private volatile boolean closed;
    private RangeBody body;
    /** What is left is divided by this for the next range: ranges become smaller towards the end, so that nobody waits long for the last one. */
    private int share;

    /**
     * Starts the threads.
     *
     * @param workers threads in all, the caller included
     */
    WorkerPool(int workers) {
        threads = new Thread[workers - 1];
        for (int i = 0; i < threads.length; i++) {
            int worker = i + 1;
            threads[i] = Thread.ofPlatform().daemon().name("gemma4j-cpu-" + worker).start(() -> serve(worker));
        }
    }

    /** Threads in all, the caller included. */
    int workers() {
        return threads.length + 1;
    }

    /** Runs {@code body} for the tasks {@code 0 .. count - 1}; returns when all are done. The first failure is thrown here. */
    void run(int count, Body loopBody) {
        run(count, Integer.MAX_VALUE, (first, last, worker) -> {
            for (int task = first; task < last; task++) {
                loopBody.run(task, worker);
            }
        });
    }

    /** Like {@link #run}, in ranges: large ones first, single tasks last. */
    void runRanges(int count, RangeBody loopBody) {
        run(count, RANGES_PER_WORKER * workers(), loopBody);
    }

    private void run(int count, int sharedBy, RangeBody loopBody) {
        if (closed) {
            throw new IllegalStateException("the backend is closed");
        }
        if (count <= 1 || threads.length == 0) {
            loopBody.run(0, count, 0);
            return;
        }
        body = loopBody;
        share = sharedBy;
        undone.set(count);
        untaken.set(count); // publishes the fields above
        loops++;
        if (parking.get() > 0) {
            for (Thread thread : threads) {
                LockSupport.unpark(thread);
            }
        }
        work(0);
        for (int spins = 0; undone.get() > 0; spins++) {
            if (spins < SPINS_BEFORE_YIELDING) {
                Thread.onSpinWait();
            } else {
                Thread.yield(); // a worker may be waiting for this very processor
            }
        }
        body = null;
        Throwable thrown = failure.getAndSet(null);
        if (thrown instanceof Error error) {
            throw error;
        }
        if (thrown != null) {
            throw (RuntimeException) thrown;
        }
    }

    private void work(int worker) {
        for (int left = untaken.get(); left > 0; left = untaken.get()) {
            // The share may be that of the loop before: the range is valid all the same.
            int tasks = Math.max(1, left / share);
            if (untaken.compareAndSet(left, left - tasks)) {
                try {
                    body.run(left - tasks, left, worker);
                } catch (RuntimeException | Error thrown) {
                    failure.compareAndSet(null, thrown);
                    undone.addAndGet(-untaken.getAndSet(0));
                } finally {
                    undone.addAndGet(-tasks);
                }
            }
        }
    }

    private void serve(int worker) {
        int served = 0;
        while (true) {
            int spins = 0;
            while (loops == served) {
                if (closed) {
                    return;
                }
                if (++spins < SPINS_BEFORE_PARKING) {
                    Thread.onSpinWait();
                } else {
                    // Announced before the last look: either this thread sees the next loop, or its caller sees that this thread parks.
                    parking.incrementAndGet();
                    if (loops == served && !closed) {
                        LockSupport.park(this);
                    }
                    parking.decrementAndGet();
                }
            }
            served = loops;
            work(worker);
        }
    }

    /** Ends the threads and waits for them. */
    @Override
    public void close() {
        closed = true;
        boolean interrupted = false;
        for (Thread thread : threads) {
            LockSupport.unpark(thread);
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
