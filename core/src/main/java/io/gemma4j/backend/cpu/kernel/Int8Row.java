package io.gemma4j.backend.cpu.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * One row of activations rounded to 8 bits, {@code x[i] = scale[i / 16] * q[i]} with {@code scale = max|x| / 127} over each 16. Reused from product to
 * product; filled by one thread, then read by any.
 */
public final class Int8Row {
    /** Elements that share a scale: so few that logits are no further from the reference than those of llama.cpp. */
    public static final int GROUP = 16;

    private final byte[] quants;
    private final float[] scales;
    private final float[] sums;
    private MemorySegment arrangement = MemorySegment.NULL;
    private Int8Kernel arrangedFor;

    /** Room for rows of up to {@code columns} elements. */
    public Int8Row(int columns) {
        // Kernels take up to 256 at a time; beyond the row stay zeros.
        int padded = Math.ceilDiv(columns, 256) * 256;
        quants = new byte[padded];
        scales = new float[padded / GROUP];
        sums = new float[padded / GROUP];
    }

    /** Elements there is room for. */
    public int columns() {
        return quants.length;
    }

    /**
     * Rounds {@code columns} elements, a multiple of 16, to the nearest integer, ties to even. Where the scale would be subnormal, all 16 become
     * zero. NaN and infinity among them make scale and sums NaN or infinite, so that no product with them is finite.
     */
    public void quantize(float[] x, int offset, int columns, FloatKernels floats) {
        arrangedFor = null;
        floats.roundToBytes(x, offset, quants, scales, sums, columns);
        for (int i = columns; i < quants.length && i % 256 != 0; i++) {
            quants[i] = 0;
        }
        for (int group = columns / GROUP; group < scales.length && group % 16 != 0; group++) {
            scales[group] = 0;
            sums[group] = 0;
        }
    }

    /** The rounded elements. */
    public byte[] quants() {
        return quants;
    }

    /** The scale of each 16 elements. */
    public float[] scales() {
        return scales;
    }

    /** The sum of each 16 elements, {@code scale * sum q}. */
    public float[] sums() {
        return sums;
    }

    /**
     * Memory in which a kernel lays the row out as it reads it.
     *
     * @param kernel whose layout it is going to be
     * @return at least {@code bytes}, outside the Java heap, at a multiple of 64; overwritten by the next layout
     */
    public MemorySegment arrangeFor(Int8Kernel kernel, long bytes) {
        if (arrangement.byteSize() < bytes) {
            arrangement = Arena.ofAuto().allocate(bytes, 64);
        }
        arrangedFor = kernel;
        return arrangement;
    }

    /**
     * The layout made for {@code kernel} since the row was filled.
     *
     * @throws IllegalStateException if there is none
     */
    public MemorySegment arrangement(Int8Kernel kernel) {
        if (arrangedFor != kernel) {
            throw new IllegalStateException("activations are not laid out for this kernel");
        }
        return arrangement;
    }
}
