package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Contexts that are as long as there is memory for. */
@Timeout(120)
class FitMemoryTest {
    private static final LoadOptions FIT = MiniModels.options().contextTokens(LoadOptions.FIT_MEMORY);

    // What a context takes, activations half as much again for GPUs.
    private static long bytes(Fixture fixture, LoadOptions options, int contextTokens) throws Exception {
        MemoryEstimate estimate = Gemma4.estimateMemory(fixture.model(), options.contextTokens(contextTokens));
        return estimate.activationBytes() * 3 / 2 + estimate.kvBytesPerSession();
    }

    @Test
    void contextIsTheLongestThatFits() throws Exception {
        for (Fixture fixture : List.of(MiniModels.DENSE, MiniModels.ELASTIC, MiniModels.MOE)) {
            for (KvType type : KvType.values()) {
                for (int context : new int[] {256, 1024, 3840}) {
                    LoadOptions options = FIT.kvType(type).prefixCacheBytes(1000);
                    long needed = (bytes(fixture, options, context) + 1000) * 10 / 9;
                    long more = (bytes(fixture, options, context + 256) + 1000) * 10 / 9;
                    for (long free : new long[] {needed + 2, (needed + more) / 2, more - 2}) {
                        try (Gemma4 model = new SmallDevice(100, free).load(fixture, options)) {
                            assertEquals(context, model.info().contextTokens(), free + " bytes free");
                            if (context == 256 && free == needed + 2) {
                                assertFullSessionFits(model, free);
                            }
                        }
                    }
                }
            }
        }
    }

    private static void assertFullSessionFits(Gemma4 model, long free) {
        try (Session session = model.newSession()) {
            session.feed(SessionTest.randomTokens(session.contextTokens(), 1));
            assertTrue(session.text().cache().bytes() <= free);
            assertThrows(ContextOverflowException.class, () -> session.feed(1));
        }
    }

    @Test
    void contextIsNoLongerThanTheModelWasMadeFor() throws Exception {
        try (Gemma4 model = new SmallDevice(100, Long.MAX_VALUE).load(MiniModels.DENSE, FIT)) {
            assertEquals(4096, model.info().contextTokens());
        }
        try (Gemma4 model = Gemma4.load(MiniModels.DENSE.model(), FIT)) {
            assertEquals(4096, model.info().contextTokens());
        }
        assertEquals(4096, Gemma4.estimateMemory(MiniModels.DENSE.model(), FIT).contextTokens());
    }

    @Test
    void contextIsLongerWhereTheBackendStoresLess() throws Exception {
        int context = 1024;
        MemoryEstimate whole = Gemma4.estimateMemory(MiniModels.DENSE.model(), FIT.contextTokens(context));
        long free = (whole.activationBytes() * 3 / 2 + whole.kvBytesPerSession() / 2) * 10 / 9 + 2;
        SmallDevice half = new SmallDevice(100, free, 0.5);
        MemoryEstimate estimate = ModelMemory.estimate(MiniModels.DENSE.model(), FIT, List.of(half));
        assertEquals(context, estimate.contextTokens());
        assertEquals(whole.kvBytesPerSession() / 2, estimate.kvBytesPerSession());
        try (Gemma4 model = half.load(MiniModels.DENSE, FIT)) {
            assertEquals(context, model.info().contextTokens());
        }
    }

    @Test
    void withoutMemoryForAShortContextNothingIsLoaded() throws Exception {
        for (long free : new long[] {0, 1, bytes(MiniModels.DENSE, FIT, 256)}) {
            Gemma4Exception e = assertThrows(Gemma4Exception.class, () -> new SmallDevice(100, free).load(MiniModels.DENSE, FIT));
            assertTrue(e.getMessage().startsWith("there is no memory for a context of 256 tokens: " + free + " bytes are free"), e.getMessage());
        }
        assertEquals(List.of(), MiniModels.libraryThreads());
    }
}
