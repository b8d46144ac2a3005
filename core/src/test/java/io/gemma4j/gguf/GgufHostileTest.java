package io.gemma4j.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Files made to be expensive: valid, but with as many objects for their size as the format allows. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class GgufHostileTest {
    private static final int MANY = 1_000_000;
    /** Heap for one pair or tensor: its name, its objects, its place in the tables. */
    private static final long ENTRY_BYTES = 640;

    @Test
    void aMillionEmptyStringsTakeNoMoreThanInTheFile() {
        byte[] file = array(8, MANY, new byte[8]);
        List<?> list = parse(file);
        assertEquals(MANY, list.size());
        assertEquals(MANY, list.stream().filter(""::equals).count());
    }

    @Test
    void aMillionEmptyArraysTakeNoMoreThanInTheFile() {
        byte[] element = new byte[12];
        element[0] = 8;
        List<?> list = parse(array(9, MANY, element));
        assertEquals(MANY, list.size());
        assertEquals(MANY, list.stream().filter(List.of()::equals).count());
    }

    @Test
    void nestedArraysOfOneStringEachAreReadInOrder() {
        byte[] element = new GgufBytes().u32(9).u64(1).u32(8).u64(2).text("a").text("é").toArray();
        List<?> list = parse(array(9, MANY / 10, element));
        assertEquals(MANY / 10, list.stream().filter(List.of(List.of("a", "é"))::equals).count());
        assertThrows(IndexOutOfBoundsException.class, () -> list.get(MANY / 10));
    }

    @Test
    void numbersAndTruthValuesTakeNoMoreThanInTheFile() {
        assertEquals((short) 255, parse(array(0, MANY, new byte[] {-1})).getLast());
        assertEquals(true, parse(array(7, MANY, new byte[] {1})).getLast());
        assertEquals(1L << 56, parse(array(11, MANY, new byte[] {0, 0, 0, 0, 0, 0, 0, 1})).getLast());
    }

    @Test
    void asManyPairsAndTensorsAsAllowedTakeABoundedAmountEach() {
        GgufBytes bytes = GgufBytes.head(65_536, 4_096);
        for (int i = 0; i < 4_096; i++) {
            bytes.key(Integer.toString(i, 36), 7).raw((byte) 1);
        }
        for (int i = 0; i < 65_536; i++) {
            // From the last to the first, so that the check for overlap has to sort.
            bytes.tensor(Integer.toString(i, 36), 24, 32L * (65_535 - i), 1);
        }
        byte[] file = bytes.pad(32).raw(new byte[32 * 65_536]).toArray();
        GgufFile parsed = ParseAllocation.parseWithinSize(MemorySegment.ofArray(file), file.length + (65_536 + 4_096) * ENTRY_BYTES).orElseThrow();
        assertEquals(65_536, parsed.tensors().size());
        assertEquals(4_096, parsed.metadata().keys().size());
    }

    @Test
    void listsOfAFileCannotBeChanged() {
        List<?> list = parse(array(0, 3, new byte[] {1}));
        assertThrows(UnsupportedOperationException.class, () -> list.remove(0));
        assertThrows(UnsupportedOperationException.class, list::clear);
        assertThrows(IndexOutOfBoundsException.class, () -> list.get(3));
        assertThrows(IndexOutOfBoundsException.class, () -> list.get(-1));
    }

    @Test
    void aFileOfMoreThanTwoGigabytesIsMapped(@TempDir Path folder) throws IOException {
        Path path = folder.resolve("large.gguf");
        long elements = 5L << 30;
        byte[] head = GgufBytes.head(2, 0).tensor("large", 24, 0, 1 << 30, 5).tensor("last", 24, elements, 4).pad(32).toArray();
        // The gap is never written, so that the file takes next to no room where the file system knows sparse files.
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, StandardOpenOption.SPARSE)) {
            channel.write(ByteBuffer.wrap(head));
            channel.write(ByteBuffer.wrap(new byte[] {42}), head.length + elements - 1);
            channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3, 4}), head.length + elements);
        }
        try (Arena arena = Arena.ofShared()) {
            GgufFile file = GgufFile.open(path, arena);
            assertEquals(head.length + elements + 4, file.bytes());
            assertEquals(elements, file.tensor("large").orElseThrow().elements());
            assertEquals(42, file.tensor("large").orElseThrow().bytes().get(ValueLayout.JAVA_BYTE, elements - 1));
            assertEquals(-1, file.tensor("last").orElseThrow().bytes().mismatch(MemorySegment.ofArray(new byte[] {1, 2, 3, 4})));
        }
    }

    private static byte[] array(int typeId, int count, byte[] element) {
        byte[] head = GgufBytes.head(0, 1).key("k", 9).u32(typeId).u64(count).toArray();
        ByteBuffer file = ByteBuffer.allocate(head.length + count * element.length).put(head);
        for (int i = 0; i < count; i++) {
            file.put(element);
        }
        return file.array();
    }

    private static List<?> parse(byte[] file) {
        MemorySegment bytes = MemorySegment.ofArray(file);
        GgufFile parsed = ParseAllocation.parseWithinSize(bytes, file.length + ParseAllocation.CONSTANT_BYTES).orElseThrow();
        return (List<?>) parsed.metadata().asMap().get("k");
    }
}
