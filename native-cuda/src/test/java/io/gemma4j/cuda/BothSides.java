package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.Function;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** The scalar backend and the one of the GPU, open while the tests of a class run. */
final class BothSides implements BeforeAllCallback, AfterAllCallback {
    private Side scalar;
    private Side gpu;

    @Override
    public void beforeAll(ExtensionContext context) {
        scalar = Side.scalar();
        gpu = Side.gpu();
    }

    @Override
    public void afterAll(ExtensionContext context) {
        gpu.close();
        scalar.close();
    }

    /** The definition. */
    Side scalar() {
        return scalar;
    }

    /** What is tested. */
    Side gpu() {
        return gpu;
    }

    /** Runs the same on both and compares what comes out, row by row. */
    void assertSame(String what, double bound, Function<Side, float[][]> run) {
        float[][] expected = run.apply(scalar);
        float[][] actual = run.apply(gpu);
        for (int row = 0; row < expected.length; row++) {
            double error = GoldenModel.relativeL2(actual[row], expected[row]);
            assertTrue(error <= bound, what + ", row " + row + ": relative L2 " + error + ", at most " + bound);
        }
    }
}
