package io.gemma4j;

import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

class GoldenScalarTest {

    @TestFactory
    Stream<DynamicTest> scalarKernelsGiveTheReferenceLogits() {
        return GoldenLogits.tests(CpuKernels.SCALAR);
    }
}
