package io.gemma4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.BackendUnavailableException.Attempt;
import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.backend.cpu.CpuBackendProvider;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class BackendSelectionTest {
    private static final BackendOptions OPTIONS = new BackendOptions(1, CpuKernels.SCALAR);
    private final List<String> tried = new ArrayList<>();

    private BackendProvider failing(String backend, int preference) {
        return new BackendProvider() {
            @Override
            public String name() {
                return backend;
            }

            @Override
            public int priority() {
                return preference;
            }

            @Override
            public ModelBackend open(BackendOptions options) throws UnavailableException {
                tried.add(backend);
                throw new UnavailableException("no " + backend + " device");
            }
        };
    }

    @Test
    void automaticChoiceFallsToTheNextAndLogsWhyOnce() {
        List<BackendProvider> providers = List.of(new CpuBackendProvider(), failing("metal", 50), failing("cuda", 100));
        try (CapturedLog log = new CapturedLog(); ModelBackend backend = BackendSelection.open(Backend.AUTO, OPTIONS, providers)) {
            assertEquals("cpu", backend.name());
            assertEquals(List.of("cuda", "metal"), tried);
            assertEquals(1, log.lines("INFO").size(), log.lines("INFO").toString());
            String line = log.lines("INFO").getFirst();
            assertTrue(line.contains(backend.describe()) && line.contains("cuda: no cuda device; metal: no metal device"), line);
        }
    }

    @Test
    void explicitChoiceThatFailsListsItsAttemptsAndTriesNothingElse() {
        List<BackendProvider> providers = List.of(new CpuBackendProvider(), failing("metal", 50), failing("cuda", 100));
        BackendUnavailableException e = assertThrows(BackendUnavailableException.class,
                () -> BackendSelection.open(Backend.CUDA, OPTIONS, providers));
        assertEquals(List.of(new Attempt("cuda", "no cuda device")), e.attempts());
        assertEquals(List.of("cuda"), tried);
        assertTrue(e.getMessage().contains("cuda: no cuda device"), e.getMessage());
    }

    @Test
    void backendThatIsNotInstalledIsNamedWithItsArtifact() {
        BackendUnavailableException e = assertThrows(BackendUnavailableException.class,
                () -> BackendSelection.open(Backend.METAL, OPTIONS, List.of(new CpuBackendProvider())));
        assertEquals(1, e.attempts().size());
        assertTrue(e.getMessage().contains("gemma4j-metal"), e.getMessage());
    }

    @Test
    void allFailingListsEveryAttemptInOrder() {
        BackendUnavailableException e = assertThrows(BackendUnavailableException.class,
                () -> BackendSelection.open(Backend.AUTO, OPTIONS, List.of(failing("metal", 50), failing("cuda", 100))));
        assertEquals(List.of("cuda", "metal"), e.attempts().stream().map(Attempt::backend).toList());
    }

    @Test
    void unavailableBackendLeavesNothingOfTheFileOpen() throws Exception {
        assertThrows(BackendUnavailableException.class,
                () -> Gemma4.load(MiniModels.DENSE.model(), MiniModels.options(), List.of(failing("cpu", 0))));
        if (System.getProperty("os.name").equals("Linux")) {
            assertEquals(0, MiniModels.mappedRegions(MiniModels.DENSE.model()));
        }
    }
}
