package io.gemma4j;

import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

class GoldenVectorTest {

    @TestFactory
    Stream<DynamicTest> vectorKernelsGiveTheReferenceLogits() {
        return GoldenLogits.tests(CpuKernels.VECTOR);
    }
}
