package io.gemma4j.backend.cpu;

/** Arrays that each worker reuses from task to task; they grow to the largest size asked for. */
final class WorkerScratch {
    private final float[][][] arrays;

    WorkerScratch(int workers, int arraysPerWorker) {
        arrays = new float[workers][arraysPerWorker][0];
    }

    /** Array {@code index} of {@code worker} with at least {@code length} elements; what it holds is undefined. */
    float[] floats(int worker, int index, int length) {
        if (arrays[worker][index].length < length) {
            arrays[worker][index] = new float[length];
        }
        return arrays[worker][index];
    }
}
