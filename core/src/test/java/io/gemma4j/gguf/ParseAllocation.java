package io.gemma4j.gguf;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.gemma4j.ModelFormatException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Optional;

/** Parses and holds the heap taken against the size of the file. */
final class ParseAllocation {
    /** Room for the exception with its stack and message, and for some hundred pairs and tensors with their keys and names. */
    static final long CONSTANT_BYTES = 64 << 10;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private ParseAllocation() {}

    /** The file, or nothing where it is refused as it has to be; whatever else the parser throws comes through. */
    static Optional<GgufFile> parseWithinSize(MemorySegment bytes, long allowedBytes) {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        Optional<GgufFile> file = parse(bytes);
        long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
        if (allocated > allowedBytes) {
            // The first run of a code path links it, which allocates too, once.
            before = THREADS.getCurrentThreadAllocatedBytes();
            parse(bytes);
            long again = THREADS.getCurrentThreadAllocatedBytes() - before;
            assertTrue(again <= allowedBytes, () -> "parsing " + bytes.byteSize() + " bytes allocated " + again + ", allowed are " + allowedBytes);
        }
        return file;
    }

    private static Optional<GgufFile> parse(MemorySegment bytes) {
        try {
            return Optional.of(GgufFile.parse("fuzz", bytes));
        } catch (ModelFormatException refused) {
            return Optional.empty();
        }
    }
}
