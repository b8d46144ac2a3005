package io.gemma4j.metal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.metal.fake.FakeMetal;
import io.gemma4j.metal.fake.MetalDriver;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

@ExtendWith(MetalDriver.class)
class ExecutorTest {
    private static final int THREADS = 64;
    private static final int COUNT = 2 * THREADS;

    /** What a kernel of {@code threads_meet.metal} gives. */
    private static float[] run(String kernel, KernelBench.Run run) {
        try (KernelBench bench = KernelBench.open(run, 7)) {
            float[] in = new float[COUNT];
            for (int i = 0; i < COUNT; i++) {
                in[i] = i + 1;
            }
            BufferSlice out = bench.floats(new float[COUNT]);
            bench.stream.kernel(bench.kernels.pipeline("threads_meet_" + kernel)).write(0, out).read(1, bench.floats(in))
                    .threadgroupMemory(0, THREADS * Float.BYTES).dispatch(Grid.of(2), THREADS);
            return bench.result(out);
        }
    }

    private static String failure(String kernel, KernelBench.Run run) {
        MetalDriver.fake();
        try {
            run(kernel, run);
            return "";
        } catch (RuntimeException e) {
            MetalDriver.fake().takeProblems();
            return e.getMessage();
        }
    }

    static Stream<Arguments> foundByTheChecker() {
        return Stream.of(
                Arguments.of("never", "race on threadgroup memory 0"),
                Arguments.of("never_in_simdgroup", "race on threadgroup memory 0"),
                Arguments.of("with_wrong_flags", "race on threadgroup memory 0"),
                Arguments.of("in_simdgroups_only", "race on threadgroup memory 0"),
                Arguments.of("once_in_a_loop", "race on threadgroup memory 0"),
                Arguments.of("reading_past_the_end", "out of bounds"),
                Arguments.of("writing_past_the_end", "out of bounds"),
                Arguments.of("past_threadgroup_memory", "out of bounds"),
                Arguments.of("misaligned", "misaligned access to buffer 1"),
                Arguments.of("across_threadgroups", "race on buffer 0"),
                Arguments.of("at_one_element", "race on buffer 0"),
                Arguments.of("after_others_read", "race on threadgroup memory 0"));
    }

    @ParameterizedTest
    @MethodSource("foundByTheChecker")
    void theCheckerFindsRacesAndAccessesOutOfBounds(String kernel, String expected) {
        String failure = failure(kernel, KernelBench.Run.CHECKED);
        assertTrue(failure.contains(expected), failure);
    }

    static Stream<Arguments> foundWithoutTheChecker() {
        return Stream.of(
                Arguments.of("at_two_places", "divergent threadgroup_barrier"),
                Arguments.of("without_some", "threads have returned|not reached by all threads"),
                Arguments.of("unequally_often", "not reached by all threads|threads have returned"),
                Arguments.of("in_other_lanes", "divergent simdgroup operation"),
                Arguments.of("after_a_division_by_zero", "division by zero"),
                Arguments.of("past_an_array", "an index outside of its array"));
    }

    @ParameterizedTest
    @MethodSource("foundWithoutTheChecker")
    void threadsThatDoNotMeetAreFoundInEverySchedule(String kernel, String expected) {
        for (KernelBench.Run run : List.of(KernelBench.Run.FIFO, KernelBench.Run.LIFO, KernelBench.Run.RANDOM)) {
            String failure = failure(kernel, run);
            assertTrue(failure.matches("(?s).*(" + expected + ").*"), run + ": " + failure);
        }
    }

    @ParameterizedTest
    @MethodSource("right")
    void whatIsRightGivesTheSameInEveryScheduleAndPassesTheChecker(String kernel, List<Integer> expected) {
        for (KernelBench.Run run : KernelBench.Run.all()) {
            float[] out = run(kernel, run);
            assertEquals(expected, List.of((int) out[0], (int) out[1], (int) out[40], (int) out[127]), run.toString());
        }
    }

    static Stream<Arguments> right() {
        int half = 16 * 17 / 2;
        return Stream.of(
                Arguments.of("right", List.of(64, 63, 24, 65)),
                Arguments.of("right_in_simdgroup", List.of(2, 1, 42, 127)),
                Arguments.of("right_after_exit", List.of(half, half, half + 32 * 16, 0)));
    }

    @Test
    void memoryThatWasNeverWrittenReadsAsNotANumber() {
        MetalDriver.fake();
        assertTrue(Float.isNaN(run("unset_memory", KernelBench.Run.FIFO)[0]));
    }

    @Test
    void theCheckerCountsBytesBarriersAndMeetings() {
        MetalDriver.fake();
        run("right", KernelBench.Run.CHECKED);
        FakeMetal.Counts counts = MetalDriver.fake().counts().get("threads_meet_right");
        assertEquals(new FakeMetal.Counts(1, COUNT * Float.BYTES, COUNT * Float.BYTES, COUNT * Float.BYTES, COUNT * Float.BYTES, COUNT, 0), counts);
    }
}
