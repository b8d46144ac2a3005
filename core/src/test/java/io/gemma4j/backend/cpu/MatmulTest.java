package io.gemma4j.backend.cpu;

import io.gemma4j.CpuKernels;

class MatmulTest extends MatmulContract {

    MatmulTest() {
        super(CpuKernels.SCALAR);
    }
}
