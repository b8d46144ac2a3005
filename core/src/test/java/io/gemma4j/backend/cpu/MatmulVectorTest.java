package io.gemma4j.backend.cpu;

import io.gemma4j.CpuKernels;

class MatmulVectorTest extends MatmulContract {

    MatmulVectorTest() {
        super(CpuKernels.VECTOR);
    }
}
