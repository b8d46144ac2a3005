package io.gemma4j.bench.measure;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The measurement checks its own sum, so that it cannot report bytes that were not read. */
class StreamReadTest {

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void everyByteIsRead(int threads) throws InterruptedException {
        assertTrue(StreamRead.bytesPerSecond(threads, 5_000_000) > 0);
    }

    @Test
    void bufferTooSmallForTheThreadsIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> StreamRead.bytesPerSecond(4, 1000));
    }
}
