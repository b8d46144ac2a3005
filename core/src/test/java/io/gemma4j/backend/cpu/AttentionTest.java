package io.gemma4j.backend.cpu;

import io.gemma4j.CpuKernels;

class AttentionTest extends AttentionContract {

    AttentionTest() {
        super(CpuKernels.SCALAR);
    }
}
