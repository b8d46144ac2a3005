package io.gemma4j.backend.cpu;

import io.gemma4j.CpuKernels;

class AttentionVectorTest extends AttentionContract {

    AttentionVectorTest() {
        super(CpuKernels.VECTOR);
    }
}
