package io.gemma4j.metal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gemma4j.Backend;
import io.gemma4j.BackendUnavailableException;
import io.gemma4j.Gemma4;
import io.gemma4j.Session;
import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider.UnavailableException;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.CpuKernels;
import io.gemma4j.metal.fake.MetalDriver;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(MetalDriver.class)
class MetalBackendTest {
    private static final BackendOptions OPTIONS = new BackendOptions(0, CpuKernels.AUTO);

    @Test
    void theSelfTestPasses() throws Exception {
        try (ModelBackend backend = new MetalBackendProvider().open(OPTIONS)) {
            assertEquals("metal", backend.name());
        }
    }
}
