package io.gemma4j.backend.cpu;

import io.gemma4j.backend.Routing;

/** Choice of experts in Java arrays: entry {@code r * expertsPerRow + j}. */
record CpuRouting(int[] experts, float[] weights, int expertsPerRow) implements Routing {

    static CpuRouting allocate(int rows, int expertsPerRow) {
        return new CpuRouting(new int[rows * expertsPerRow], new float[rows * expertsPerRow], expertsPerRow);
    }
}
