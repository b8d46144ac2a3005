package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.OutOfDeviceMemoryException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

@Gpu
class CudaMemoryTest {
    private static CudaContext context;

    @BeforeAll
    static void open() {
        context = new CudaContext(CudaDevice.of(0));
    }

    @AfterAll
    static void close() {
        context.close();
    }

    private static MemorySegment random(Arena arena, long bytes, long seed) {
        byte[] values = new byte[(int) bytes];
        new Random(seed).nextBytes(values);
        return arena.allocate(bytes).copyFrom(MemorySegment.ofArray(values));
    }

    private static void assertRoundTrip(long bytes) {
        try (Arena arena = Arena.ofConfined(); CudaStream stream = new CudaStream(context);
                CudaBuffer buffer = CudaBuffer.allocate(context, "a test", bytes);
                CudaBuffer other = CudaBuffer.allocate(context, "a test", bytes)) {
            MemorySegment sent = random(arena, bytes, bytes);
            MemorySegment received = arena.allocate(bytes);
            stream.upload(sent, buffer.pointer());
            stream.copy(buffer.pointer(), other.pointer(), bytes);
            stream.download(other.pointer(), received);
            stream.synchronize();
            assertEquals(-1, sent.mismatch(received));
        }
    }

    @Test
    void whatIsUploadedComesBack() {
        for (long bytes : new long[] {1, 3, 255, 4097, 1_000_003}) {
            assertRoundTrip(bytes);
        }
    }

    @Test
    void anyThreadMayUseTheDeviceVirtualOnesToo() throws Exception {
        try (ExecutorService virtual = Executors.newVirtualThreadPerTaskExecutor(); ExecutorService platform = Executors.newFixedThreadPool(3)) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < 64; i++) {
                int bytes = 1000 + i;
                all.add((i % 2 == 0 ? virtual : platform).submit(() -> assertRoundTrip(bytes)));
            }
            for (Future<?> one : all) {
                one.get();
            }
        }
    }

    @Test
    void pinnedMemoryIsSeenByTheDeviceAndGoneAfterClose() {
        MemorySegment segment;
        try (CudaStream stream = new CudaStream(context); CudaEvent copied = new CudaEvent(context);
                PinnedMemory pinned = new PinnedMemory(context, 4096); CudaBuffer buffer = CudaBuffer.allocate(context, "a test", 4096)) {
            segment = pinned.segment();
            stream.fill(buffer.pointer(), (byte) 7, 4096);
            stream.download(buffer.pointer(), segment);
            copied.record(stream);
            copied.synchronize();
            assertTrue(segment.elements(ValueLayout.JAVA_BYTE).allMatch(b -> b.get(ValueLayout.JAVA_BYTE, 0) == 7));
        }
        assertThrows(IllegalStateException.class, () -> segment.get(ValueLayout.JAVA_BYTE, 0));
    }

    @Test
    void closedMemoryCannotBeUsedAndClosingTwiceDoesNothing() {
        CudaBuffer buffer = CudaBuffer.allocate(context, "a test", 16);
        buffer.close();
        buffer.close();
        assertTrue(assertThrows(IllegalStateException.class, buffer::pointer).getMessage().contains("a test"));
    }

    @Test
    void placesOutsideABufferAreRefused() {
        try (CudaBuffer buffer = CudaBuffer.allocate(context, "a test", 16)) {
            assertEquals(buffer.pointer().address() + 12, buffer.pointer(12, 4).address());
            assertThrows(IndexOutOfBoundsException.class, () -> buffer.pointer(12, 5));
            assertThrows(IndexOutOfBoundsException.class, () -> buffer.pointer(-1, 1));
            assertThrows(IllegalArgumentException.class, () -> CudaBuffer.allocate(context, "a test", 0));
        }
    }

    @Test
    void moreThanThereIsNamesWhatWasNeededAndWhatWasFree() {
        long bytes = 1L << 45;
        OutOfDeviceMemoryException e = assertThrows(OutOfDeviceMemoryException.class, () -> CudaBuffer.allocate(context, "a test", bytes));
        assertEquals(bytes, e.neededBytes());
        assertTrue(e.freeBytes() > 0 && e.freeBytes() < context.memory().totalBytes());
        assertTrue(e.getMessage().contains("a test") && e.getMessage().contains(context.device().name()), e.getMessage());
    }

    @Test
    void closingGivesDeviceMemoryBack() {
        try (CudaStream stream = new CudaStream(context)) {
            long before = 0;
            for (int i = 0; i < 50; i++) {
                try (CudaModule module = new CudaModule(context, "test", Ptx.MODULE); CudaBuffer large = CudaBuffer.allocate(context, "a test", 64 << 20);
                        CudaBuffer small = CudaBuffer.allocate(context, "a test", 64)) {
                    CudaKernel kernel = module.kernel("wide");
                    try (CudaGraph graph = stream.record(() -> kernel.pointer(small.pointer()).int64(large.bytes()).launch(stream, CudaKernel.Grid.of(1), 1, 0))) {
                        graph.launch(stream);
                        stream.synchronize();
                    }
                }
                if (i == 4) {
                    before = context.memory().freeBytes();
                }
            }
            assertEquals(before, context.memory().freeBytes());
        }
    }
}
