package io.gemma4j.metal.fake;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import io.gemma4j.metal.ShippedKernels;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Gives tests a Metal driver: the system's on macOS, the fake on Linux. After each test the fake must have seen no wrong use, and after a class
 * nothing may be left that was made in it. Where the fake cannot be built, tests are skipped; in continuous integration they fail.
 *
 * <p>A Mac without a GPU of its own, as continuous integration rents them, computes wrong things at times: tests are skipped there, unless the
 * environment variable {@code METAL_TESTS} is {@code all}.
 */
public final class MetalDriver implements BeforeAllCallback, BeforeEachCallback, AfterEachCallback, AfterAllCallback {
    private static final boolean IS_CI = "true".equals(System.getenv("CI"));

    private static FakeMetal fake;

    private Map<String, Integer> liveBefore;

    /** For JUnit. */
    public MetalDriver() {}

    /** Whether tests talk to the system's own Metal. */
    public static boolean isReal() {
        return System.getProperty("os.name").startsWith("Mac");
    }

    /** The fake; a test that needs it is skipped where Metal is real. */
    public static FakeMetal fake() {
        if (isReal()) {
            abort("only the fake driver can do this");
        }
        return load();
    }

    private static FakeMetal load() {
        if (!System.getProperty("os.name").equals("Linux")) {
            abort("the fake Metal driver is built on Linux only");
        }
        synchronized (MetalDriver.class) {
            if (fake == null) {
                fake = FakeMetal.load(clang());
                if (IS_CI) {
                    // All of them are going to be wanted, and the tests use one processor at a time.
                    fake.compiler().prepare(ShippedKernels.sources());
                }
            }
            return fake;
        }
    }

    private static Clang clang() {
        Optional<Clang> clang = Clang.find();
        if (clang.isEmpty()) {
            String missing = "no clang 18 or newer was found, which the fake Metal driver is built with: apt-get install clang-19";
            if (IS_CI) {
                fail(missing);
            }
            abort(missing);
        }
        return clang.orElseThrow();
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        if (!isReal()) {
            liveBefore = load().liveObjects();
        } else if (isVirtualMachine() && !"all".equals(System.getenv("METAL_TESTS"))) {
            abort("this Mac is a virtual machine, whose GPU computes wrong things at times; METAL_TESTS=all runs the tests all the same");
        }
    }

    private static boolean isVirtualMachine() {
        try {
            Process sysctl = new ProcessBuilder("sysctl", "-n", "kern.hv_vmm_present").start();
            String answer = new String(sysctl.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
            return sysctl.waitFor() == 0 && answer.strip().equals("1");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        if (!isReal()) {
            load().takeProblems();
        }
    }

    @Override
    public void afterEach(ExtensionContext context) {
        if (!isReal()) {
            List<String> problems = load().takeProblems();
            load().reset();
            if (context.getExecutionException().isEmpty()) {
                assertEquals(List.of(), problems, "wrong use of Metal");
            } else if (!problems.isEmpty()) {
                context.getExecutionException().orElseThrow().addSuppressed(new AssertionError("wrong use of Metal: " + problems));
            }
        }
    }

    @Override
    public void afterAll(ExtensionContext context) {
        if (!isReal() && liveBefore != null) {
            Map<String, Integer> left = load().liveObjects();
            left.keySet().removeIf(name -> left.get(name).equals(liveBefore.get(name)));
            // The device lives as long as the process.
            left.remove("MTLDevice");
            assertEquals(Map.of(), left, "objects that were not released");
        }
    }
}
