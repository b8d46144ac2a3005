package io.gemma4j.examples.server;

import io.gemma4j.Session;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * Has answers computed. A request's own thread takes a slot and then watches the client and the clock, while another thread does the work: it is busy
 * with computing for long, which virtual threads are not made for. Thread-safe.
 */
final class Answering implements AutoCloseable {
    private static final long POLL_MILLIS = 50;
    private static final Duration SILENCE = Duration.ofSeconds(10);
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    /** Why an answer came to its end. */
    enum End {
        /** By itself. */
        DONE,
        /** It has taken as long as a request may. */
        TIME_LIMIT,
        /** The server is closed. */
        STOPPED
    }

    /**
     * What came of it.
     *
     * @param value what the work returned, cancelled or not
     * @param end whether it was cancelled, and why
     */
    record Outcome<T>(T value, End end) {}

    /** What a slot is needed for. */
    @FunctionalInterface
    interface Work<T> {
        /**
         * Answers.
         *
         * @param session of the slot, or null to have the model find one
         * @param canceller takes what ends the work early, which may be called more than once
         */
        T answer(Session session, Consumer<Runnable> canceller);
    }

    private final SlotPool slots;
    private final Duration timeLimit;
    private final ExecutorService threads = Executors.newThreadPerTaskExecutor(Thread.ofPlatform().daemon().name("gemma4-answer-", 0).factory());
    private volatile boolean stopped;

    Answering(SlotPool slots, Duration timeLimit) {
        this.slots = slots;
        this.timeLimit = timeLimit;
    }

    /**
     * Runs the work on a slot.
     *
     * @param transcript of the prompt, see {@link SlotPool#take}
     * @param client who is waiting
     * @param onSilence called from time to time while the work goes on
     * @return what the work returned
     * @throws ApiError if there is no slot
     * @throws ClientGoneException if nobody wants the answer any more
     */
    <T> Outcome<T> run(String transcript, ClientConnection client, Runnable onSilence, Work<T> work) {
        long deadline = System.nanoTime() + timeLimit.toNanos();
        Slot slot;
        try {
            slot = slots.take(transcript, () -> !client.isOpen(), deadline, timeLimit);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw ApiError.stopping();
        }
        AtomicReference<Runnable> cancel = new AtomicReference<>(() -> {});
        Future<T> answer;
        try {
            answer = threads.submit(() -> {
                try {
                    return work.answer(slot.session(), cancel::set);
                } finally {
                    slots.release(slot);
                }
            });
        } catch (RejectedExecutionException e) {
            slots.release(slot);
            throw ApiError.stopping();
        }
        return watch(answer, cancel, client, onSilence, deadline);
    }

    private <T> Outcome<T> watch(Future<T> answer, AtomicReference<Runnable> cancel, ClientConnection client, Runnable onSilence, long deadline) {
        End end = End.DONE;
        boolean gone = false;
        long quietSince = System.nanoTime();
        long cancelledAt = 0;
        while (true) {
            try {
                T value = answer.get(POLL_MILLIS, TimeUnit.MILLISECONDS);
                if (gone) {
                    throw new ClientGoneException();
                }
                return new Outcome<>(value, end);
            } catch (ExecutionException e) {
                throw thrown(e.getCause());
            } catch (TimeoutException e) {
                gone |= !client.isOpen();
            } catch (InterruptedException e) {
                gone = true; // this connection is being ended; the work has to end first
            }
            long now = System.nanoTime();
            if (end == End.DONE) {
                end = stopped ? End.STOPPED : now - deadline > 0 ? End.TIME_LIMIT : End.DONE;
            }
            if (gone || end != End.DONE) {
                cancelledAt = cancelledAt == 0 ? now : cancelledAt;
                cancel.get().run();
                if (now - cancelledAt > PATIENCE.toNanos()) {
                    client.close(); // it may be the client that does not read
                }
            } else if (now - quietSince > SILENCE.toNanos()) {
                quietSince = now;
                gone = !alive(onSilence);
            }
        }
    }

    private static boolean alive(Runnable onSilence) {
        try {
            onSilence.run();
            return true;
        } catch (ClientGoneException e) {
            return false; // the work has to be ended first
        }
    }

    /**
     * Refuses an outcome that is nothing to be sent.
     *
     * @param empty whether nothing had been answered when it ended
     * @throws ApiError if the server is being closed, or the time was over before the answer began
     */
    void requireSomething(End end, boolean empty) {
        if (end == End.STOPPED) {
            throw ApiError.stopping();
        }
        if (end == End.TIME_LIMIT && empty) {
            throw ApiError.timeout(timeLimit.toSeconds());
        }
    }

    private static RuntimeException thrown(Throwable cause) {
        return switch (cause) {
            case RuntimeException e -> e;
            case Error e -> throw e;
            default -> new IllegalStateException(cause);
        };
    }

    /** Ends all answers that are being given. */
    @Override
    public void close() {
        stopped = true;
        threads.shutdown();
    }
}
