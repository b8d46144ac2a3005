package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The fastest kernels read the mapped file at plain addresses: memory that is unmapped under them would end the JVM. */
@Timeout(120)
class CloseWhileDecodingTest {
    private static final int ROUNDS = 200;
    private static final int CONTEXT_TOKENS = 256;
    private static final long LONGEST_DELAY_NANOS = 3_000_000;

    @Test
    void closingTheModelNeverUnmapsMemoryUnderAKernel() throws Exception {
        Random random = new Random(1);
        int interruptedSteps = 0;
        for (int round = 0; round < ROUNDS; round++) {
            Gemma4 model = MiniModels.load(MiniModels.MOE, o -> o.cpuKernels(CpuKernels.INT8).contextTokens(CONTEXT_TOKENS));
            assertTrue(model.info().backend().contains("8-bit activations"), model.info().backend());
            CountDownLatch decoding = new CountDownLatch(1);
            AtomicReference<IllegalStateException> end = new AtomicReference<>();
            Thread decoder = Thread.ofPlatform().start(() -> end.set(decodeUntilItThrows(model, decoding)));
            decoding.await();
            LockSupport.parkNanos(random.nextLong(LONGEST_DELAY_NANOS));
            model.close();
            assertEquals(0, MiniModels.libraryThreads().size(), "threads that could still read");
            decoder.join();
            if (end.get() instanceof CancellationException) {
                interruptedSteps++;
            } else {
                assertEquals("the session is closed", end.get().getMessage());
            }
        }
        assertTrue(interruptedSteps > ROUNDS / 10, interruptedSteps + " of " + ROUNDS + " closes came during a step");
        if (System.getProperty("os.name").equals("Linux")) {
            assertEquals(0, MiniModels.mappedRegions(MiniModels.MOE.model()));
        }
    }

    private static IllegalStateException decodeUntilItThrows(Gemma4 model, CountDownLatch decoding) {
        try (Session session = model.newSession()) {
            while (true) {
                session.clear();
                for (int i = 0; i < CONTEXT_TOKENS; i++) {
                    session.feed(1 + i);
                    decoding.countDown();
                }
            }
        } catch (IllegalStateException e) { // of which cancellation is one
            return e;
        } finally {
            decoding.countDown();
        }
    }
}
