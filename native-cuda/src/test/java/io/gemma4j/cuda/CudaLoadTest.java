package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Backend;
import io.gemma4j.Gemma4;
import io.gemma4j.LoadOptions;
import io.gemma4j.Session;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

@Gpu
class CudaLoadTest {
    private static final Path MODEL = Path.of("../core/src/test/resources/fixtures/dense-mini-Q4_K_M.gguf");

    @Test
    void loadingAndClosingFiftyTimesGivesAllDeviceMemoryBack() throws Exception {
        LoadOptions options = LoadOptions.defaults().backend(Backend.CUDA).contextTokens(64).prefillTokens(8);
        // A context of our own, so that all figures are taken in the same one.
        try (CudaContext context = new CudaContext(CudaDevice.of(0))) {
            loadAndClose(options, 5);
            long before = 0;
            long after = -1;
            // What is free is the device's figure: if another program takes some meanwhile, it is to be seen again.
            for (int round = 0; round < 3 && after < before; round++) {
                before = context.memory().freeBytes();
                loadAndClose(options, 50);
                after = context.memory().freeBytes();
            }
            assertTrue(after >= before, before + " bytes were free before, " + after + " after");
        }
    }

    private static void loadAndClose(LoadOptions options, int times) throws Exception {
        for (int i = 0; i < times; i++) {
            try (Gemma4 model = Gemma4.load(MODEL, options)) {
                Session left = model.newSession();
                try (Session closed = model.newSession()) {
                    closed.feed(2, 3, 4);
                }
                left.feed(5);
            }
        }
    }

    @Test
    void descriptionNamesDeviceKernelsAndBytes() throws Exception {
        try (Gemma4 model = Gemma4.load(MODEL, o -> o.backend(Backend.AUTO).contextTokens(64)); Session session = model.newSession()) {
            session.feed(2);
            String description = model.info().backend();
            assertTrue(description.startsWith("cuda, ") && description.contains(CudaDevice.of(0).name())
                    && description.matches(".* [1-9][0-9]* bytes of weights in tiles.* [1-9][0-9]* bytes of keys and values.*"), description);
        }
    }
}
