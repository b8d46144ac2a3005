package io.gemma4j.examples.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Which slot a request gets; no model is needed for that. */
@Timeout(60)
class SlotPoolTest {
    private static final Duration LIMIT = Duration.ofMinutes(1);

    private static Slot take(SlotPool pool, String transcript) throws InterruptedException {
        return pool.take(transcript, () -> false, System.nanoTime() + LIMIT.toNanos(), LIMIT);
    }

    private static Slot use(SlotPool pool, String transcript) throws InterruptedException {
        Slot slot = take(pool, transcript);
        pool.release(slot);
        return slot;
    }

    @Test
    void conversationGetsTheSlotThatHoldsItsStart() throws Exception {
        SlotPool pool = new SlotPool(null, 3, 0);
        Slot first = use(pool, "rules; what is a cat");
        Slot second = use(pool, "other rules; what is a dog");
        assertNotSame(first, second);
        assertSame(first, use(pool, "rules; what is a cat; an animal; and a dog"));
        assertSame(second, use(pool, "other rules; what is a dog; an animal"));
        assertSame(first, use(pool, "rules; what is a cat; an animal; and a mouse"));
    }

    @Test
    void conversationThatHasLittleInCommonTakesTheSlotThatWasUsedLongestAgo() throws Exception {
        SlotPool pool = new SlotPool(null, 2, 0);
        Slot first = use(pool, "rules; a very long conversation about cats");
        Slot second = use(pool, "something else");
        assertSame(first, use(pool, "rules; a very long conversation about cats and more"));
        assertSame(second, use(pool, "rules; dogs"));
        assertSame(first, use(pool, "nothing in common"));
    }

    @Test
    void requestsWithoutATranscriptLeaveConversationsAlone() throws Exception {
        SlotPool pool = new SlotPool(null, 1, 0);
        Slot slot = use(pool, "conversation");
        use(pool, null);
        assertEquals("conversation", slot.transcript());
    }

    @Test
    void whoeverComesFirstIsServedFirst() throws Exception {
        SlotPool pool = new SlotPool(null, 1, 10);
        Slot slot = take(pool, "a");
        List<Integer> served = Collections.synchronizedList(new ArrayList<>());
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            int number = i;
            threads.add(Thread.ofVirtual().start(() -> {
                try {
                    Slot mine = take(pool, "b");
                    served.add(number);
                    pool.release(mine);
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }));
            TestServer.await("it waits", () -> pool.waiting() == number + 1);
        }
        pool.release(slot);
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals(List.of(0, 1, 2, 3, 4, 5), served);
    }
}
