package io.gemma4j.backend.cpu;

import io.gemma4j.CpuKernels;

class ElementwiseVectorTest extends ElementwiseContract {

    ElementwiseVectorTest() {
        super(CpuKernels.VECTOR);
    }
}
