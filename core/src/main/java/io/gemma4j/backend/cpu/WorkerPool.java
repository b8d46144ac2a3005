package io.gemma4j.backend.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed set of daemon threads that run the tasks of one loop at a time together with the calling thread. Between loops they spin for a moment,
 * since the next loop of a forward pass is microseconds away, and then park. One caller at a time.
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

    private static final int SPINS_BEFORE_PARKING = 20_000;
    private static final int SPINS_BEFORE_YIELDING = 20_000;

    private final Thread[] threads;
    private final AtomicInteger nextTask = new AtomicInteger();
    private final AtomicInteger working = new AtomicInteger();
    private final AtomicInteger parking = new AtomicInteger();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private volatile int loops;
    private volatile boolean closed;
    private Body body;
    private int tasks;

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
        if (closed) {
            throw new IllegalStateException("the backend is closed");
        }
        if (count <= 1 || threads.length == 0) {
            for (int task = 0; task < count; task++) {
                loopBody.run(task, 0);
            }
            return;
        }
        body = loopBody;
        tasks = count;
        nextTask.set(0);
        working.set(threads.length);
        loops++; // publishes the fields above
        if (parking.get() > 0) {
            for (Thread thread : threads) {
                LockSupport.unpark(thread);
            }
        }
        work(0);
        for (int spins = 0; working.get() > 0; spins++) {
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
        try {
            for (int task = nextTask.getAndIncrement(); task < tasks; task = nextTask.getAndIncrement()) {
                body.run(task, worker);
            }
        } catch (RuntimeException | Error thrown) {
            failure.compareAndSet(null, thrown);
            nextTask.set(tasks);
        }
    }

    private void serve(int worker) {
        int served = 0;
        while (true) {
            int spins = 0;
            // A loop that has begun is served even if the pool is closed meanwhile: its caller waits for every worker.
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
            served++;
            work(worker);
            working.decrementAndGet();
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
