package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.gemma4j.gguf.GgufFile;
import io.gemma4j.gguf.GgufTensor;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class LoadTest {
    @TempDir
    Path folder;

    @Test
    void progressRisesToTheTotal() throws Exception {
        for (Fixture fixture : List.of(MiniModels.DENSE, MiniModels.ELASTIC, MiniModels.MOE)) {
            List<Long> reports = new ArrayList<>();
            long weights = Gemma4.estimateMemory(fixture.model(), MiniModels.options()).weightsBytes();
            MiniModels.load(fixture, o -> o.progress((stage, done, total) -> {
                assertEquals(ProgressListener.Stage.LOAD, stage);
                assertEquals(weights, total);
                reports.add(done);
                return true;
            })).close();
            assertEquals(reports.stream().sorted().toList(), reports);
            assertTrue(reports.size() > 10 && reports.getFirst() < weights, reports.toString());
            assertEquals(weights, reports.getLast());
        }
    }

    @Test
    void abortedLoadLeavesNothing() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        MiniModels.load(MiniModels.DENSE, o -> o.progress((stage, done, total) -> calls.incrementAndGet() > 0)).close();
        int reports = calls.get();
        for (int last : new int[] {1, 2, reports / 2, reports}) {
            calls.set(0);
            assertThrows(CancellationException.class,
                    () -> MiniModels.load(MiniModels.DENSE, o -> o.progress((stage, done, total) -> calls.incrementAndGet() < last)));
            assertEquals(last, calls.get(), "not asked again");
            assertNothingLeft();
        }
        assertThrows(ArithmeticException.class, () -> MiniModels.load(MiniModels.DENSE, o -> o.progress((stage, done, total) -> {
            throw new ArithmeticException();
        })));
        assertNothingLeft();
    }

    private static void assertNothingLeft() throws Exception {
        assertEquals(List.of(), MiniModels.libraryThreads());
        if (System.getProperty("os.name").equals("Linux")) {
            assertEquals(0, MiniModels.mappedRegions(MiniModels.DENSE.model()));
        }
    }

    @Test
    void estimateIsWhatIsAllocated() throws Exception {
        for (Fixture fixture : List.of(MiniModels.DENSE, MiniModels.ELASTIC, MiniModels.MOE)) {
            for (int contextTokens : new int[] {5, 300, 4096}) {
                for (int prefillTokens : new int[] {1, 7, 300, 2000}) {
                    KvType type = Map.of(1, KvType.F16, 7, KvType.F32, 300, KvType.TQ4, 2000, KvType.Q8_0).get(prefillTokens);
                    LoadOptions options = MiniModels.options().contextTokens(contextTokens).prefillTokens(prefillTokens).kvType(type);
                    MemoryEstimate estimate = Gemma4.estimateMemory(fixture.model(), options);
                    ObservedBackend backend = new ObservedBackend();
                    try (Gemma4 model = backend.load(fixture, options); Session session = model.newSession()) {
                        assertEquals(contextTokens, session.contextTokens());
                        assertEquals(backend.activationBytes.get(), estimate.activationBytes());
                        assertEquals(backend.caches.stream().mapToLong(layer -> layer.bytes(contextTokens)).sum(), estimate.kvBytesPerSession());
                        long atLeast = backend.caches.stream().mapToLong(layer -> 2L * layer.slots() * layer.kvHeads() * layer.headBytes()).sum();
                        assertTrue(estimate.kvBytesPerSession() >= atLeast, estimate + " for " + atLeast);
                    }
                    assertEquals(contextTokens, estimate.contextTokens());
                    assertEquals(estimate.weightsBytes() + estimate.activationBytes() + estimate.kvBytesPerSession(), estimate.totalBytes());
                }
            }
        }
    }

    @Test
    void estimateNeedsNoWeights() throws Exception {
        Path hollow = folder.resolve("hollow.gguf");
        long headerBytes;
        try (Arena arena = Arena.ofConfined()) {
            GgufFile file = GgufFile.open(MiniModels.DENSE.model(), arena);
            headerBytes = file.tensors().stream().mapToLong(tensor -> tensor.bytes().address()).min().orElseThrow() - file.segments().getFirst().address();
            long weights = file.tensors().stream().map(GgufTensor::bytes).mapToLong(bytes -> bytes.byteSize()).sum();
            assertEquals(weights, Gemma4.estimateMemory(MiniModels.DENSE.model(), LoadOptions.defaults()).weightsBytes());
        }
        byte[] header = new byte[(int) headerBytes];
        try (RandomAccessFile from = new RandomAccessFile(MiniModels.DENSE.model().toFile(), "r");
                RandomAccessFile to = new RandomAccessFile(hollow.toFile(), "rw")) {
            from.readFully(header);
            to.write(header);
            to.setLength(from.length());
        }
        assertEquals(Gemma4.estimateMemory(MiniModels.DENSE.model(), LoadOptions.defaults()), Gemma4.estimateMemory(hollow, LoadOptions.defaults()));
        if (System.getProperty("os.name").equals("Linux")) {
            assertEquals(0, MiniModels.mappedRegions(hollow));
        }
    }

    @Test
    void defaultContextIsThatOfTheFileUpToALimit() throws Exception {
        assertEquals(4096, Gemma4.estimateMemory(MiniModels.DENSE.model(), LoadOptions.defaults()).contextTokens());
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> MiniModels.load(MiniModels.DENSE, o -> o.contextTokens(4097)));
        assertEquals("contextTokens must be at most 4096, which the model was made for, was 4097", e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> Gemma4.estimateMemory(MiniModels.DENSE.model(), MiniModels.options().contextTokens(4097)));
        assertNothingLeft();
    }

    @Test
    void optionsAreCheckedByName() {
        LoadOptions options = LoadOptions.defaults();
        assertMessage("contextTokens must be at least 0, was -1", () -> options.contextTokens(-1));
        assertMessage("prefillTokens must be from 0 to 8192, was -1", () -> options.prefillTokens(-1));
        assertMessage("prefillTokens must be from 0 to 8192, was 8193", () -> options.prefillTokens(8193));
        assertMessage("threads must be from 0 to 1024, was -1", () -> options.threads(-1));
        assertMessage("threads must be from 0 to 1024, was 1025", () -> options.threads(1025));
        assertMessage("checkpointBytes must be at least 0, was -1", () -> options.checkpointBytes(-1));
        assertMessage("prefixCacheBytes must be at least 0, was -2", () -> options.prefixCacheBytes(-2));
        for (Runnable call : List.<Runnable>of(() -> options.backend(null), () -> options.kvType(null), () -> options.cpuKernels(null),
                () -> options.progress(null))) {
            assertThrows(NullPointerException.class, call::run);
        }
    }

    private static void assertMessage(String expected, Runnable call) {
        assertEquals(expected, assertThrows(IllegalArgumentException.class, call::run).getMessage());
    }

    @Test
    void everyOptionHasAMethodThatChangesItAlone() {
        LoadOptions changed = LoadOptions.defaults().backend(Backend.CPU).contextTokens(9).kvType(KvType.F32).prefillTokens(8).threads(7)
                .cpuKernels(CpuKernels.SCALAR).lockMemory(true).checkpointBytes(5).prefixCacheBytes(6).progress(ProgressListener.NONE);
        assertEquals(new LoadOptions(Backend.CPU, 9, KvType.F32, 8, 7, CpuKernels.SCALAR, true, 5, 6, ProgressListener.NONE), changed);
    }

    @Test
    void missingFileIsAnIoError() throws Exception {
        assertThrows(NoSuchFileException.class, () -> Gemma4.load(folder.resolve("none.gguf")));
        assertThrows(NoSuchFileException.class, () -> Gemma4.estimateMemory(folder.resolve("none.gguf"), LoadOptions.defaults()));
        assertThrows(IOException.class, () -> Gemma4.load(folder));
    }

    @Test
    void informationIsThatOfTheFile() throws Exception {
        try (Gemma4 model = MiniModels.dense()) {
            ModelInfo info = model.info();
            assertEquals("gemma4", info.architecture());
            assertEquals(Files.size(MiniModels.DENSE.model()), info.fileBytes());
            assertEquals(List.of(3, 1024, 4096, 256), List.of(info.layers(), info.vocabulary(), info.trainedContextTokens(), info.contextTokens()));
            assertEquals(44, info.tensorTypes().values().stream().mapToInt(Integer::intValue).sum());
            assertThrows(UnsupportedOperationException.class, () -> info.tensorTypes().clear());
        }
    }

    private static long lockedBytes() throws Exception {
        return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith("VmLck:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024).findFirst().orElseThrow();
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void weightsAreLockedWhileTheModelIsOpen() throws Exception {
        long before = lockedBytes();
        try (CapturedLog log = new CapturedLog(); Gemma4 model = MiniModels.load(MiniModels.DENSE, o -> o.lockMemory(true))) {
            List<String> warnings = log.lines("WARN");
            if (warnings.isEmpty()) {
                long pages = Math.ceilDiv(Files.size(MiniModels.DENSE.model()), 4096) * 4096;
                assertEquals(before + pages, lockedBytes());
            } else { // the machine allows too little
                assertEquals(1, warnings.size(), warnings.toString());
                assertTrue(warnings.getFirst().contains("RLIMIT_MEMLOCK"), warnings.getFirst());
            }
            assertFalse(model.prompt("a").raw(true).maxTokens(1).generate().tokens().isEmpty());
        }
        assertEquals(before, lockedBytes());
        MiniModels.dense().close();
        assertEquals(before, lockedBytes());
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void refusedLockIsOneWarningWithTheReason() throws Exception {
        assumeTrue(!System.getProperty("user.name").equals("root") || Files.isExecutable(Path.of("/usr/bin/setpriv")),
                "the superuser may lock anything, and there is no setpriv to drop that right");
        // Rights are dropped in a child, whose limit of locked memory is then binding for the superuser, too.
        Process child = ChildJvm.start(List.of("sh", "-c", "ulimit -l 64; command -v setpriv >/dev/null && [ $(id -u) = 0 ] "
                + "&& exec setpriv --inh-caps=-ipc_lock --bounding-set=-ipc_lock \"$@\" || exec \"$@\"", "sh"), List.of(), LocksWeights.class,
                MiniModels.DENSE.model().toString());
        String output = ChildJvm.outputOf(child);
        List<String> warnings = output.lines().filter(line -> line.contains("WARN")).toList();
        assertEquals(1, warnings.size(), output);
        assertTrue(warnings.getFirst().contains("RLIMIT_MEMLOCK") && warnings.getFirst().contains("dense-mini"), output);
        assertTrue(output.contains("generated 2"), output);
    }

    /** Runs in a process of its own. */
    static final class LocksWeights {
        private LocksWeights() {}

        public static void main(String[] arguments) throws Exception {
            try (Gemma4 model = Gemma4.load(Path.of(arguments[0]), MiniModels.options().lockMemory(true))) {
                System.out.println("generated " + model.prompt("a").raw(true).logitBias(Map.of(5, 1000f)).maxTokens(2).generate().tokens().size());
            }
        }
    }
}
