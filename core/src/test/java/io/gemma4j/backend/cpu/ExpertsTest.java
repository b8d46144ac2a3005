package io.gemma4j.backend.cpu;

import io.gemma4j.CpuKernels;

class ExpertsTest extends ExpertsContract {

    ExpertsTest() {
        super(CpuKernels.SCALAR);
    }
}
