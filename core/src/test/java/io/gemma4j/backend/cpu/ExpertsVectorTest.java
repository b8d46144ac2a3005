package io.gemma4j.backend.cpu;

import io.gemma4j.CpuKernels;

class ExpertsVectorTest extends ExpertsContract {

    ExpertsVectorTest() {
        super(CpuKernels.VECTOR);
    }
}
