package io.gemma4j.metal;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.gemma4j.KvType;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.metal.KernelBench.Run;
import io.gemma4j.metal.fake.MetalDriver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;

/** Takes each barrier out of the kernels: one that no test misses is either not needed or not tested. */
@ExtendWith(MetalDriver.class)
class BarrierMutationTest {
    private static final Path SOURCES = Path.of("src/main/metal");
    private static final Pattern BARRIER = Pattern.compile("\\b(?:threadgroup|simdgroup)_barrier\\([^;]*\\);");
    private static final Pattern LINE = Pattern.compile("#line (\\d+) \"([^\"]+)\"");

    /** What the kernels of a source are tested with. */
    private static final Map<String, List<Runnable>> TESTS = Map.ofEntries(
            Map.entry("argmax.metal", List.of(() -> new MetalSamplingTest().greedyTakesTheFirstOfTheHighestLogits())),
            Map.entry("top_candidates.metal", List.of(() -> new MetalSamplingTest().aDrawIsThatOfTheSampler())),
            Map.entry("sample_top_k.metal", List.of(() -> new MetalSamplingTest().aDrawIsThatOfTheSampler())),
            // Its threads meet at atomics, which are never a race: only another order shows what is missing.
            Map.entry("group_slots.metal", List.of(() -> MetalExpertsTest.multiply(Run.CHECKED, GgmlType.Q8_0, 35, true),
                    () -> MetalExpertsTest.multiply(Run.LIFO, GgmlType.Q8_0, 35, true))),
            Map.entry("threadgroup_sum.h", List.of(() -> MetalNormTest.addition(Run.CHECKED, false, 1, 2, 133))),
            Map.entry("matvec.h", List.of(() -> MetalMatvecTest.multiplySharedColumns(Run.CHECKED))),
            Map.entry("matmul.h", List.of(() -> MetalMatmulTest.multiply(Run.CHECKED, 4, GgmlType.Q8_0, 70, 96, 20, 1))),
            Map.entry("attention.h", List.of(
                    () -> MetalAttentionTest.attend(Run.CHECKED, new MetalAttentionTest.Shape(KvType.F16, 4, 1, 64, 100, 1, 77, 1000)),
                    () -> MetalAttentionTest.attend(Run.CHECKED, new MetalAttentionTest.Shape(KvType.F16, 4, 1, 64, 100, 13, 40, 1000)))),
            Map.entry("attention_compressed_tiles.h", List.of(
                    () -> MetalCompressedAttentionTest.attend(Run.CHECKED, new MetalCompressedAttentionTest.Shape(KvType.Q8_0, 4, 1, 128, 1, 77)),
                    () -> MetalCompressedAttentionTest.attend(Run.CHECKED, new MetalCompressedAttentionTest.Shape(KvType.TQ4, 4, 1, 256, 13, 240)))),
            Map.entry("head_rotation.h", List.of(() -> MetalCompressedKvTest.rotate(Run.CHECKED, 1, 128, 1))),
            Map.entry("head_rotation.metal", List.of(() -> MetalCompressedKvTest.rotate(Run.CHECKED, 1, 128, 1))),
            Map.entry("compressed_heads.h", List.of(() -> MetalCompressedKvTest.store(Run.CHECKED, KvType.TQ4, 1, 128, 1, 7))),
            Map.entry("attention_input_compressed.h", List.of(() -> MetalCompressedKvTest.inputs(Run.CHECKED, KvType.Q8_0, 96, false))));

    /** A barrier in a file. */
    private record Barrier(String file, int line, String statement) {

        /** The source of a kernel, headers in place, without it. */
        String removeFrom(String source) {
            StringBuilder out = new StringBuilder();
            String currentFile = "";
            int currentLine = 0;
            for (String text : source.split("\n", -1)) {
                Matcher position = LINE.matcher(text);
                boolean here = currentFile.equals(file) && currentLine == line;
                out.append(here ? text.replace(statement, "") : text).append('\n');
                currentLine++;
                if (position.matches()) {
                    currentFile = position.group(2);
                    currentLine = Integer.parseInt(position.group(1));
                }
            }
            return out.toString();
        }

        @Override
        public String toString() {
            return file + ":" + line + " " + statement;
        }
    }

    private static List<Barrier> barriers() throws IOException {
        List<Barrier> barriers = new ArrayList<>();
        try (Stream<Path> files = Files.list(SOURCES)) {
            for (Path file : files.sorted().toList()) {
                List<String> lines = Files.readAllLines(file);
                for (int i = 0; i < lines.size(); i++) {
                    Matcher barrier = BARRIER.matcher(lines.get(i));
                    if (barrier.find()) {
                        barriers.add(new Barrier(file.getFileName().toString(), i + 1, barrier.group()));
                    }
                }
            }
        }
        return barriers;
    }

    @TestFactory
    Stream<DynamicTest> aKernelWithoutOneOfItsBarriersFailsItsTest() throws IOException {
        MetalDriver.fake();
        return barriers().stream().map(barrier -> dynamicTest(barrier.toString(), () -> {
            List<Runnable> tests = TESTS.get(barrier.file());
            assertTrue(tests != null, "which tests run the kernels of " + barrier.file() + "?");
            // Several kernels compile at once.
            AtomicBoolean applied = new AtomicBoolean();
            MetalDriver.fake().changeSources(source -> {
                String without = barrier.removeFrom(source);
                if (!without.strip().equals(source.strip())) {
                    applied.set(true);
                }
                return without;
            });
            try {
                assertTrue(tests.stream().anyMatch(BarrierMutationTest::fails), "no test misses it");
                assertTrue(applied.get(), "the tests do not run a kernel with this barrier");
            } finally {
                MetalDriver.fake().reset();
                MetalDriver.fake().takeProblems();
            }
        }));
    }

    private static boolean fails(Runnable test) {
        try {
            test.run();
            return false;
        } catch (MetalException | AssertionError e) {
            return true;
        }
    }

    @TestFactory
    Stream<DynamicTest> theSameTestsPassWithAllBarriers() {
        MetalDriver.fake();
        return TESTS.entrySet().stream().map(entry -> dynamicTest(entry.getKey(), () -> entry.getValue().forEach(Runnable::run)));
    }

    @TestFactory
    Stream<DynamicTest> everySourceThatIsTestedHasBarriers() throws IOException {
        List<String> files = barriers().stream().map(Barrier::file).distinct().toList();
        return TESTS.keySet().stream().map(file -> dynamicTest(file, () -> assertTrue(files.contains(file))));
    }
}
