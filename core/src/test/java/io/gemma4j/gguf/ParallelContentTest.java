package io.gemma4j.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class ParallelContentTest {

    private static byte value(long block, int byteOfBlock) {
        return (byte) (31 * block + byteOfBlock);
    }

    private static void fill(GgmlType type, long firstBlock, ByteBuffer buffer) {
        for (long block = firstBlock; buffer.hasRemaining(); block++) {
            for (int b = 0; b < type.blockBytes(); b++) {
                buffer.put(value(block, b));
            }
        }
    }

    @Property(tries = 40)
    void chunksComeInTheirOrderWhoeverMakesThem(@ForAll @IntRange(min = 1, max = 6) int threads, @ForAll @IntRange(min = 1, max = 30_000) int blocks)
            throws IOException {
        GgmlType type = GgmlType.Q6_K;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        List<Long> reports = new ArrayList<>();
        try (ParallelContent content = new ParallelContent(threads, "test")) {
            content.of(type, 256L * blocks, (first, buffer) -> fill(type, first, buffer), reports::add).writeTo(Channels.newChannel(out));
        }
        byte[] expected = new byte[blocks * type.blockBytes()];
        for (int i = 0; i < expected.length; i++) {
            expected[i] = value(i / type.blockBytes(), i % type.blockBytes());
        }
        assertArrayEquals(expected, out.toByteArray());
        assertEquals(reports.stream().sorted().distinct().toList(), reports);
        assertEquals(256L * blocks, reports.getLast());
    }

    @Test
    @Timeout(value = 60, unit = TimeUnit.SECONDS)
    void whatAProducerThrowsIsThrownToTheWriter() {
        IllegalStateException thrown = new IllegalStateException("no data");
        try (ParallelContent content = new ParallelContent(3, "test")) {
            GgufWriter.TensorContent failing = content.of(GgmlType.F32, 1 << 20, (first, buffer) -> {
                if (first > 1 << 18) {
                    throw thrown;
                }
                buffer.position(buffer.limit());
            }, written -> {});
            assertEquals(thrown, assertThrows(IllegalStateException.class, () -> failing.writeTo(Channels.newChannel(new ByteArrayOutputStream()))));
            GgufWriter.TensorContent broken = content.of(GgmlType.F32, 1 << 20, (first, buffer) -> {
                throw new AssertionError("broken");
            }, written -> {});
            assertInstanceOf(AssertionError.class, assertThrows(IllegalStateException.class,
                    () -> broken.writeTo(Channels.newChannel(new ByteArrayOutputStream()))).getCause());
        }
    }

    @Test
    void nothingIsProducedOnceItIsClosed() {
        ParallelContent content = new ParallelContent(2, "test");
        GgufWriter.TensorContent tensor = content.of(GgmlType.F32, 8, (first, buffer) -> {}, written -> {});
        content.close();
        assertThrows(RejectedExecutionException.class, () -> tensor.writeTo(Channels.newChannel(new ByteArrayOutputStream())));
    }
}
