package io.gemma4j.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A loop that is not served by every worker never ends, so every test here has a generous limit. */
@Timeout(60)
class WorkerPoolTest {

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void everyTaskRunsExactlyOnceOnAWorkerOfThePool(int workers) {
        try (WorkerPool pool = new WorkerPool(workers)) {
            assertEquals(workers, pool.workers());
            for (int count : new int[] {0, 1, 2, workers, 7, 1000}) {
                AtomicIntegerArray runs = new AtomicIntegerArray(count);
                Set<Integer> seen = ConcurrentHashMap.newKeySet();
                pool.run(count, (task, worker) -> {
                    runs.incrementAndGet(task);
                    seen.add(worker);
                });
                for (int task = 0; task < count; task++) {
                    assertEquals(1, runs.get(task), "runs of task " + task + " of " + count);
                }
                assertTrue(seen.stream().allMatch(worker -> worker >= 0 && worker < workers), seen::toString);
            }
        }
    }

    // Plain memory: what the caller wrote before a loop is seen by its tasks, what they wrote is seen after it.
    @Test
    void shortLoopsBackToBackSeeEachOthersWrites() {
        int[] cells = new int[5];
        try (WorkerPool pool = new WorkerPool(3)) {
            for (int loop = 0; loop < 100_000; loop++) {
                int before = loop;
                pool.run(cells.length, (task, worker) -> {
                    if (cells[task] != before) {
                        throw new IllegalStateException("task " + task + " sees " + cells[task] + " in loop " + before);
                    }
                    cells[task]++;
                });
            }
        }
        for (int cell : cells) {
            assertEquals(100_000, cell);
        }
    }

    @Test
    void workersRunAtTheSameTimeAsTheCaller() {
        try (WorkerPool pool = new WorkerPool(4)) {
            for (int loop = 0; loop < 50; loop++) {
                // Each task waits for all others: with fewer than four threads at work this never ends.
                CountDownLatch together = new CountDownLatch(4);
                Set<Integer> seen = ConcurrentHashMap.newKeySet();
                pool.run(4, (task, worker) -> {
                    seen.add(worker);
                    together.countDown();
                    assertTrue(awaitQuietly(together));
                });
                assertEquals(Set.of(0, 1, 2, 3), seen);
            }
        }
    }

    private static boolean awaitQuietly(CountDownLatch latch) {
        try {
            return latch.await(30, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            return false;
        }
    }

    @Test
    void workersWakeUpAfterALongIdleTime() throws Exception {
        try (WorkerPool pool = new WorkerPool(3)) {
            for (int pauseMillis : new int[] {0, 1, 5, 20, 100, 3, 50, 1}) {
                Thread.sleep(pauseMillis);
                CountDownLatch together = new CountDownLatch(3);
                pool.run(3, (task, worker) -> {
                    together.countDown();
                    assertTrue(awaitQuietly(together));
                });
            }
        }
    }

    // Pauses around the time after which workers park, where a wake-up could be lost.
    @Test
    void noWakeUpIsLostWhileWorkersAreGoingToPark() {
        try (WorkerPool pool = new WorkerPool(3)) {
            for (int loop = 0; loop < 3000; loop++) {
                AtomicInteger done = new AtomicInteger();
                pool.run(3, (task, worker) -> done.incrementAndGet());
                assertEquals(3, done.get());
                for (int spin = loop % 60 * 1000; spin > 0; spin--) {
                    Thread.onSpinWait();
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void failureOfATaskReachesTheCallerAndThePoolStaysUsable(int workers) {
        try (WorkerPool pool = new WorkerPool(workers)) {
            for (int failing = 0; failing < 40; failing++) {
                int bad = failing;
                RuntimeException thrown = new IllegalStateException("task " + bad);
                assertSame(thrown, assertThrows(IllegalStateException.class, () -> pool.run(40, (task, worker) -> {
                    if (task == bad) {
                        throw thrown;
                    }
                })));
                AtomicInteger done = new AtomicInteger();
                pool.run(40, (task, worker) -> done.incrementAndGet());
                assertEquals(40, done.get());
            }
            Error error = new StackOverflowError();
            assertSame(error, assertThrows(StackOverflowError.class, () -> pool.run(3, (task, worker) -> {
                throw error;
            })));
        }
    }

    @Test
    void tasksNotYetBegunAreDroppedAfterAFailure() {
        try (WorkerPool pool = new WorkerPool(2)) {
            AtomicInteger begun = new AtomicInteger();
            assertThrows(IllegalStateException.class, () -> pool.run(1_000_000, (task, worker) -> {
                begun.incrementAndGet();
                throw new IllegalStateException();
            }));
            assertTrue(begun.get() <= 2, begun + " tasks were begun");
        }
    }

    @Test
    void threadsAreDaemonsAndGoneAfterClose() {
        WorkerPool pool = new WorkerPool(4);
        Set<Thread> threads = ConcurrentHashMap.newKeySet();
        CountDownLatch together = new CountDownLatch(4);
        pool.run(4, (task, worker) -> {
            threads.add(Thread.currentThread());
            together.countDown();
            assertTrue(awaitQuietly(together));
        });
        threads.remove(Thread.currentThread());
        assertEquals(3, threads.size());
        assertTrue(threads.stream().allMatch(Thread::isDaemon));
        pool.close();
        assertFalse(threads.stream().anyMatch(Thread::isAlive));
        pool.close();
        assertThrows(IllegalStateException.class, () -> pool.run(2, (task, worker) -> {}));
        assertThrows(IllegalStateException.class, () -> pool.run(1, (task, worker) -> {}));
    }

    @Test
    void closingRightAfterOpeningEndsTheThreads() {
        for (int i = 0; i < 200; i++) {
            new WorkerPool(3).close();
        }
        assertTrue(Thread.getAllStackTraces().keySet().stream().noneMatch(thread -> thread.getName().equals("gemma4j-cpu-2") && thread.isAlive()));
    }

    @Test
    void closeFromAnInterruptedThreadWaitsAndKeepsTheInterrupt() {
        WorkerPool pool = new WorkerPool(2);
        Thread.currentThread().interrupt();
        pool.close();
        assertTrue(Thread.interrupted());
    }

    @Test
    void virtualThreadsMayCallOneAfterTheOther() throws Exception {
        try (WorkerPool pool = new WorkerPool(3); var callers = Executors.newVirtualThreadPerTaskExecutor()) {
            Object turn = new Object();
            List<Future<Integer>> sums = new ArrayList<>();
            for (int caller = 0; caller < 20; caller++) {
                sums.add(callers.submit(() -> {
                    AtomicInteger done = new AtomicInteger();
                    for (int loop = 0; loop < 50; loop++) {
                        synchronized (turn) {
                            pool.run(17, (task, worker) -> done.incrementAndGet());
                        }
                        Thread.yield();
                    }
                    return done.get();
                }));
            }
            for (Future<Integer> sum : sums) {
                assertEquals(50 * 17, sum.get());
            }
        } catch (ExecutionException e) {
            throw new AssertionError(e.getCause());
        }
    }
}
