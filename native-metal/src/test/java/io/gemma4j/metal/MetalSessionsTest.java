package io.gemma4j.metal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.Backend;
import io.gemma4j.Gemma4;
import io.gemma4j.KvType;
import io.gemma4j.LoadOptions;
import io.gemma4j.Session;
import io.gemma4j.metal.fake.MetalDriver;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Sessions that are forked, taken back, saved and restored; windows are of 16 tokens, rings of 22. */
@ExtendWith(MetalDriver.class)
class MetalSessionsTest {
    @TempDir
    private Path folder;

    private static Gemma4 load(GoldenModel golden, Backend backend, KvType kv) throws Exception {
        return Gemma4.load(golden.file(), LoadOptions.defaults().backend(backend).kvType(kv).prefillTokens(7).contextTokens(256));
    }

    private static int[] tokens(int count, long seed) {
        return new Random(seed).ints(count, 20, 1000).toArray();
    }

    private static void assertSame(Session expected, Session actual, double bound) {
        assertEquals(expected.tokens(), actual.tokens());
        double error = GoldenModel.relativeL2(actual.logits().toArray(), expected.logits().toArray());
        assertTrue(error <= bound, "relative L2 must be at most " + bound + ", is " + error);
    }

    @TestFactory
    Stream<DynamicTest> sessionsGoOnAsIfTheyHadReadEverythingThemselves() {
        return GoldenModel.all().map(golden -> DynamicTest.dynamicTest(golden.toString(),
                () -> compare(golden, golden.name().startsWith("dense") ? KvType.TQ4 : KvType.F16)));
    }

    private void compare(GoldenModel golden, KvType kv) throws Exception {
        try (Gemma4 model = load(golden, Backend.METAL, kv); Session session = model.newSession(); Session direct = model.newSession();
                Gemma4 cpu = load(golden, Backend.CPU, kv)) {
            session.feed(tokens(40, 1)).checkpoint();
            direct.feed(tokens(40, 1));
            try (Session fork = session.fork()) {
                assertSame(direct, fork, 0);
                session.feed(tokens(30, 2));
                assertSame(direct.feed(tokens(10, 3)), fork.feed(tokens(10, 3)), 1e-6);
            }
            // The rings of one have lost what is seen from there, those of the other not.
            direct.clear();
            direct.feed(tokens(40, 1)).feed(30).rewind(40);
            assertSame(direct, session.rewind(40), 1e-6);
            assertSame(direct.feed(tokens(15, 4)), session.feed(tokens(15, 4)), 1e-6);
            session.save(folder.resolve("metal"));
            try (Session restored = model.restoreSession(folder.resolve("metal")); Session onCpu = cpu.restoreSession(folder.resolve("metal"))) {
                assertSame(session, restored, 0);
                assertSame(session, onCpu, 0);
                session.feed(tokens(5, 5));
                assertSame(session, restored.feed(tokens(5, 5)), 1e-6);
                assertSame(session, onCpu.feed(tokens(5, 5)), 0.05);
                onCpu.save(folder.resolve("cpu"));
                try (Session back = model.restoreSession(folder.resolve("cpu"))) {
                    assertSame(session.feed(25), back.feed(25), 0.05);
                }
            }
        }
    }
}
