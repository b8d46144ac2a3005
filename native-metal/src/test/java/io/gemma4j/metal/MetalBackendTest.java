package io.gemma4j.metal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Backend;
import io.gemma4j.BackendUnavailableException;
import io.gemma4j.CpuKernels;
import io.gemma4j.Gemma4;
import io.gemma4j.LoadOptions;
import io.gemma4j.Session;
import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider.UnavailableException;
import io.gemma4j.metal.fake.FakeMetal;
import io.gemma4j.metal.fake.MetalDriver;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@ExtendWith(MetalDriver.class)
class MetalBackendTest {
    private static final Path MODEL = Path.of("../core/src/test/resources/fixtures/dense-mini-Q4_K_M.gguf");
    private static final LoadOptions METAL = LoadOptions.defaults().backend(Backend.METAL).contextTokens(64).prefillTokens(8);

    private static String refusal(long modelBytes) {
        return assertThrows(UnavailableException.class, () -> new MetalBackendProvider().open(new BackendOptions(0, CpuKernels.AUTO, modelBytes)))
                .getMessage();
    }

    @Test
    void descriptionNamesDeviceAndBytes() throws Exception {
        try (Gemma4 model = Gemma4.load(MODEL, METAL); Session session = model.newSession()) {
            session.feed(2);
            String description = model.info().backend();
            assertTrue(description.matches("metal, .*experimental, [1-9][0-9]* bytes of weights read from the mapped file, [1-9][0-9]* bytes of keys and "
                    + "values"), description);
        }
    }

    @Test
    void theAutomaticChoiceIsMetalWhereItWorks() throws Exception {
        try (Gemma4 model = Gemma4.load(MODEL, METAL.backend(Backend.AUTO))) {
            assertTrue(model.info().backend().startsWith("metal, "), model.info().backend());
        }
    }

    @Test
    void aKernelThatComputesSomethingElseFailsTheSelfTestAndTheProcessorIsTaken() throws Exception {
        FakeMetal fake = MetalDriver.fake();
        fake.changeSources(source -> source.replace("uint(position - key_position) < args.window", "uint(position - key_position) <= args.window"));
        assertTrue(refusal(0).startsWith("the self-test failed: attention over keys and values of type F16 is off by "), refusal(0));
        BackendUnavailableException failure = assertThrows(BackendUnavailableException.class, () -> Gemma4.load(MODEL, METAL));
        assertEquals("metal", failure.attempts().getFirst().backend());
        try (Gemma4 model = Gemma4.load(MODEL, METAL.backend(Backend.AUTO))) {
            assertTrue(model.info().backend().startsWith("cpu, "), model.info().backend());
        }
    }

    @ParameterizedTest
    @CsvSource({"Q8_0, 'words[i] ^ 0x80808080u', 'words[i] ^ 0x81808080u'", "TQ4, 'slot >= tail_from', 'slot > tail_from'", "TQ4, 'hash >> 15', 'hash >> 14'"})
    void aKernelThatReadsCompressedCachesInAnotherWayFailsTheSelfTest(String type, String correct, String wrong) {
        MetalDriver.fake().changeSources(source -> source.replace(correct, wrong));
        assertTrue(refusal(0).startsWith("the self-test failed: attention over keys and values of type " + type + " is off by "), refusal(0));
    }

    @Test
    void aKernelThatDoesNotCompileKeepsTheBackendFromOpening() {
        MetalDriver.fake().changeSources(source -> source.replace("simd_sum", "simd_total"));
        assertTrue(refusal(0).contains("simd_total"), refusal(0));
    }

    @Test
    void aModelLargerThanTheWorkingSetIsRefused() {
        MetalDriver.fake().set("workingSetBytes", 1000);
        assertTrue(refusal(1001).contains("too little memory: the model takes 1001 bytes, its GPU up to 1000"), refusal(1001));
    }

    @Test
    void anOlderGpuIsRefused() {
        MetalDriver.fake().set("appleFamily", 1006);
        assertTrue(refusal(0).contains("Apple M1 or newer"), refusal(0));
    }

    @Test
    void aGpuWithMemoryOfItsOwnIsRefused() {
        MetalDriver.fake().set("unifiedMemory", 0);
        assertTrue(refusal(0).contains("shares the computer's memory"), refusal(0));
    }

    @Test
    void aSystemWithoutAGpuIsRefused() {
        MetalDriver.fake().set("devices", 0);
        assertTrue(refusal(0).contains("no GPU"), refusal(0));
    }

    @Test
    void withoutADefaultDeviceTheFirstOneIsTaken() throws Exception {
        MetalDriver.fake().set("defaultDevice", 0);
        try (Gemma4 model = Gemma4.load(MODEL, METAL)) {
            assertTrue(model.info().backend().startsWith("metal, "), model.info().backend());
        }
    }

    @Test
    void aSystemWithoutResidencySetsWorksAsWell() throws Exception {
        MetalDriver.fake().set("residencySets", 0);
        try (Gemma4 model = Gemma4.load(MODEL, METAL); Session session = model.newSession()) {
            assertEquals(2, session.feed(2, 3).tokens());
        }
    }

    private static float[] logits() throws Exception {
        try (Gemma4 model = Gemma4.load(MODEL, METAL); Session session = model.newSession()) {
            return session.feed(2, 3, 4).logits().toArray();
        }
    }

    @Test
    void weightsThatExceedABufferAreSplitAmongSeveral() throws Exception {
        float[] expected = logits();
        MetalDriver.fake().set("maxBufferBytes", 1 << 20);
        assertArrayEquals(expected, logits());
    }

    @Test
    void aBackendThatHasNoMemoryForItselfGivesBackWhatItTook() {
        MetalDriver.fake().set("maxBufferBytes", 1 << 16);
        assertTrue(refusal(0).contains("no memory for parts of attention"), refusal(0));
    }

    @Test
    void closingAModelGivesEverythingBack() throws Exception {
        FakeMetal fake = MetalDriver.fake();
        Map<String, Integer> before = fake.liveObjects();
        for (int i = 0; i < 3; i++) {
            try (Gemma4 model = Gemma4.load(MODEL, METAL)) {
                Session left = model.newSession();
                try (Session closed = model.newSession()) {
                    closed.feed(2, 3, 4);
                }
                left.feed(5);
            }
            Map<String, Integer> after = fake.liveObjects();
            after.remove("MTLDevice");
            before.remove("MTLDevice");
            assertEquals(before, after);
        }
    }
}
