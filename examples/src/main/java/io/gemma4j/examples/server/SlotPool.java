package io.gemma4j.examples.server;

import io.gemma4j.Gemma4;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/** The slots of a server and the requests that wait for one, first come, first served. Thread-safe. */
final class SlotPool implements AutoCloseable {
    private static final long POLL_MILLIS = 50;

    private final int slotCount;
    private final int queueLength;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<Slot> idle = new ArrayList<>();
    private final Deque<Object> waiting = new ArrayDeque<>();
    private long uses;
    private boolean stopping;

    SlotPool(Gemma4 model, int slotCount, int queueLength) {
        this.slotCount = slotCount;
        this.queueLength = queueLength;
        Stream.generate(() -> new Slot(model)).limit(slotCount).forEach(idle::add);
    }

    /**
     * Waits for a slot. Of several free ones it is the one that has the longest start of its prompt in common, provided that this is half of what it
     * holds; else the one that was used longest ago, which loses what it holds.
     *
     * @param transcript of the prompt; null leaves what the slot holds as it is
     * @param gone whether nobody wants the answer any more
     * @param deadlineNanos when waiting ends, by {@link System#nanoTime}
     * @param timeLimit what is told where it does
     * @return the slot, to be given to {@link #release}
     * @throws ApiError if too many wait, the time is over or the server stops
     * @throws ClientGoneException if nobody wants the answer any more
     * @throws InterruptedException if the thread is interrupted
     */
    Slot take(String transcript, BooleanSupplier gone, long deadlineNanos, Duration timeLimit) throws InterruptedException {
        Object ticket = new Object();
        lock.lock();
        try {
            if (stopping) {
                throw ApiError.stopping();
            }
            if ((idle.isEmpty() || !waiting.isEmpty()) && waiting.size() >= queueLength) {
                throw ApiError.queueFull(waiting.size());
            }
            waiting.add(ticket);
            while (idle.isEmpty() || waiting.peek() != ticket) {
                changed.await(POLL_MILLIS, TimeUnit.MILLISECONDS);
                if (stopping) {
                    throw ApiError.stopping();
                }
                if (gone.getAsBoolean()) {
                    throw new ClientGoneException();
                }
                if (System.nanoTime() - deadlineNanos > 0) {
                    throw ApiError.noSlotInTime(timeLimit.toSeconds());
                }
            }
            Slot slot = choose(transcript);
            idle.remove(slot);
            if (transcript != null) {
                slot.taken(transcript, ++uses);
            }
            return slot;
        } finally {
            waiting.remove(ticket);
            changed.signalAll();
            lock.unlock();
        }
    }

    private Slot choose(String transcript) {
        if (transcript == null) {
            return idle.getFirst();
        }
        Slot nearest = idle.stream().max(Comparator.comparingInt(slot -> commonStart(slot.transcript(), transcript))).orElseThrow();
        int common = commonStart(nearest.transcript(), transcript);
        return common > 0 && 2 * common >= nearest.transcript().length() ? nearest
                : idle.stream().min(Comparator.comparingLong(Slot::lastUse)).orElseThrow();
    }

    private static int commonStart(String a, String b) {
        int length = Math.min(a.length(), b.length());
        int at = 0;
        while (at < length && a.charAt(at) == b.charAt(at)) {
            at++;
        }
        return at;
    }

    void release(Slot slot) {
        lock.lock();
        try {
            idle.add(slot);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    int busy() {
        lock.lock();
        try {
            return slotCount - idle.size();
        } finally {
            lock.unlock();
        }
    }

    int waiting() {
        lock.lock();
        try {
            return waiting.size();
        } finally {
            lock.unlock();
        }
    }

    boolean isStopping() {
        lock.lock();
        try {
            return stopping;
        } finally {
            lock.unlock();
        }
    }

    /** Refuses new requests and those that wait. */
    void stop() {
        lock.lock();
        try {
            stopping = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Waits until no slot is busy; false if that took too long. */
    boolean awaitIdle(Duration atMost) throws InterruptedException {
        long nanos = atMost.toNanos();
        lock.lock();
        try {
            while (idle.size() < slotCount) {
                if (nanos <= 0) {
                    return false;
                }
                nanos = changed.awaitNanos(nanos);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Frees the sessions of slots that are not busy. */
    @Override
    public void close() {
        lock.lock();
        try {
            idle.forEach(Slot::close);
        } finally {
            lock.unlock();
        }
    }
}
