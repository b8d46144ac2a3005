package io.gemma4j.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/** How many rows a step may have where heap or array length are the limit. */
class StepRowsTest {

    @Test
    void aStepHasTheRowsThatAreWantedWhereTheHeapHasRoom() {
        assertEquals(512, CpuBackend.stepRows(4L << 30, 512, 400_000));
    }

    @Test
    void activationsTakeAQuarterOfASmallHeapButThereIsAlwaysARow() {
        assertEquals(167, CpuBackend.stepRows(256L << 20, 512, 400_000));
        assertEquals(1, CpuBackend.stepRows(64L << 20, 512, 1L << 40));
    }

    @RepeatedTest(20)
    void noKindOfActivationsIsLongerThanAnArrayHoweverLargeTheHeap() {
        Random random = new Random();
        long floatsPerRow = random.nextLong(1, Integer.MAX_VALUE);
        int rows = CpuBackend.stepRows(random.nextLong(1L << 40, 1L << 44), 8192, floatsPerRow * Float.BYTES);
        assertTrue(rows * floatsPerRow <= Integer.MAX_VALUE, rows + " rows of " + floatsPerRow);
        assertTrue(rows == 8192 || (rows + 1) * floatsPerRow > Integer.MAX_VALUE, rows + " rows of " + floatsPerRow + " are too few");
    }
}
