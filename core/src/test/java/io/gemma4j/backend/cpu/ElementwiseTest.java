package io.gemma4j.backend.cpu;

import io.gemma4j.CpuKernels;

class ElementwiseTest extends ElementwiseContract {

    ElementwiseTest() {
        super(CpuKernels.SCALAR);
    }
}
