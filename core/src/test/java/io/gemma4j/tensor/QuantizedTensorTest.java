package io.gemma4j.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class QuantizedTensorTest {
    private static final GgmlType TYPE = GgmlType.Q8_0;
    private static final int COLUMNS = 64;

    @Property(tries = 300)
    void rowsOfJoinedMatricesAreTheBytesOfTheMatricesInOrder(
            @ForAll @Size(min = 1, max = 5) List<@IntRange(min = 1, max = 6) Integer> heights, @ForAll long seed) {
        Random random = new Random(seed);
        List<byte[]> expected = new ArrayList<>();
        QuantizedTensor[] tensors = new QuantizedTensor[heights.size()];
        for (int i = 0; i < tensors.length; i++) {
            tensors[i] = matrix("t" + i, heights.get(i), random);
            expected.addAll(rowsOf(tensors[i]));
        }
        QuantizedTensor joined = QuantizedTensor.concatRows("joined", tensors);
        assertEquals(expected.size(), joined.rows());
        assertSameRows(expected, joined);

        int first = random.nextInt(expected.size());
        int count = 1 + random.nextInt(expected.size() - first);
        QuantizedTensor slice = joined.rows(first, count);
        assertEquals(count, slice.rows());
        assertEquals(count * slice.rowBytes(), slice.bytes());
        assertSameRows(expected.subList(first, first + count), slice);

        int innerFirst = random.nextInt(count);
        QuantizedTensor inner = slice.rows(innerFirst, count - innerFirst);
        assertSameRows(expected.subList(first + innerFirst, first + count), inner);
    }

    @Property(tries = 100)
    void joiningSlicesGivesTheMatrixBack(@ForAll @IntRange(min = 2, max = 12) int rows, @ForAll long seed) {
        Random random = new Random(seed);
        QuantizedTensor whole = matrix("whole", rows, random);
        int cut = 1 + random.nextInt(rows - 1);
        QuantizedTensor again = QuantizedTensor.concatRows("again", whole.rows(0, cut), whole.rows(cut, rows - cut));
        assertSameRows(rowsOf(whole), again);
    }

    @Test
    void slicesShareTheBytes() {
        QuantizedTensor whole = matrix("whole", 4, new Random(1));
        QuantizedTensor slice = whole.rows(2, 1);
        whole.parts().getFirst().bytes().set(ValueLayout.JAVA_BYTE, 2 * whole.rowBytes() + 5, (byte) 77);
        assertEquals(77, slice.parts().getFirst().bytes().get(ValueLayout.JAVA_BYTE, 5));
    }

    @Test
    void sizesFollowFromTypeAndShape() {
        QuantizedTensor tensor = matrix("w", 3, new Random(1));
        assertEquals(68, tensor.rowBytes());
        assertEquals(204, tensor.bytes());
        assertEquals(COLUMNS, tensor.columns());
        assertEquals(TYPE, tensor.type());
        assertEquals("w Q8_0 [3][64]", tensor.toString());
    }

    @Test
    void bytesThatDoNotFillTheShapeAreRefusedByName() {
        for (int bytes : new int[] {203, 205, 0}) {
            MemorySegment segment = MemorySegment.ofArray(new byte[bytes]);
            IllegalArgumentException e =
                    assertThrows(IllegalArgumentException.class, () -> QuantizedTensor.of("blk.1.w", TYPE, 3, COLUMNS, segment));
            for (String part : new String[] {"'blk.1.w'", "3 x 64 Q8_0", "204", "got " + bytes}) {
                assertTrue(e.getMessage().contains(part), e.getMessage());
            }
        }
    }

    @Test
    void emptyMatricesAndPartsOfBlocksAreRefused() {
        MemorySegment none = MemorySegment.ofArray(new byte[0]);
        assertThrows(IllegalArgumentException.class, () -> QuantizedTensor.of("w", TYPE, 0, COLUMNS, none));
        assertThrows(IllegalArgumentException.class, () -> QuantizedTensor.of("w", TYPE, 1, 0, none));
        assertThrows(IllegalArgumentException.class, () -> QuantizedTensor.of("w", TYPE, 1, 33, MemorySegment.ofArray(new byte[34])));
        assertThrows(ArithmeticException.class, () -> QuantizedTensor.of("w", TYPE, Long.MAX_VALUE, COLUMNS, none));
    }

    @Test
    void matricesOfOtherTypeOrWidthCannotBeJoined() {
        QuantizedTensor tensor = matrix("w", 1, new Random(1));
        QuantizedTensor otherType = QuantizedTensor.of("type", GgmlType.Q4_0, 1, COLUMNS, MemorySegment.ofArray(new byte[36]));
        QuantizedTensor otherWidth = QuantizedTensor.of("width", TYPE, 1, 32, MemorySegment.ofArray(new byte[34]));
        for (QuantizedTensor other : new QuantizedTensor[] {otherType, otherWidth}) {
            assertFalse(tensor.sameLayout(other));
            IllegalArgumentException e =
                    assertThrows(IllegalArgumentException.class, () -> QuantizedTensor.concatRows("joined", tensor, other));
            assertTrue(e.getMessage().contains("'joined'") && e.getMessage().contains(other.toString()), e.getMessage());
        }
    }

    @Test
    void rowsOutsideTheMatrixAreRefused() {
        QuantizedTensor tensor = matrix("w", 3, new Random(1));
        for (long[] range : new long[][] {{-1, 1}, {0, 0}, {0, 4}, {3, 1}, {2, -1}, {1, Long.MAX_VALUE}}) {
            IndexOutOfBoundsException e = assertThrows(IndexOutOfBoundsException.class, () -> tensor.rows(range[0], range[1]));
            assertTrue(e.getMessage().contains(tensor.toString()), e.getMessage());
        }
    }

    private static QuantizedTensor matrix(String name, int rows, Random random) {
        byte[] bytes = RandomBlocks.arbitrary(TYPE, rows * COLUMNS / 32, random);
        return QuantizedTensor.of(name, TYPE, rows, COLUMNS, MemorySegment.ofArray(bytes));
    }

    private static List<byte[]> rowsOf(QuantizedTensor tensor) {
        List<byte[]> rows = new ArrayList<>();
        for (QuantizedTensor.Part part : tensor.parts()) {
            assertEquals(rows.size(), part.firstRow());
            for (long row = 0; row < part.rows(); row++) {
                rows.add(part.bytes().asSlice(row * tensor.rowBytes(), tensor.rowBytes()).toArray(ValueLayout.JAVA_BYTE));
            }
        }
        return rows;
    }

    private static void assertSameRows(List<byte[]> expected, QuantizedTensor tensor) {
        List<byte[]> rows = rowsOf(tensor);
        assertEquals(expected.size(), rows.size());
        for (int i = 0; i < rows.size(); i++) {
            assertArrayEquals(expected.get(i), rows.get(i));
        }
    }
}
