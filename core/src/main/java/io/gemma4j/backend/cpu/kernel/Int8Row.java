package io.gemma4j.backend.cpu.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * One row of activations rounded to 8 bits, {@code x[i] = scale[i / group] * q[i]} with {@code scale = max|x| / 127} over each group. Reused from
 * product to product; filled by one thread, then read by any.
 */
public final class Int8Row {
    /** Elements that share a scale: the fewest of any kernel. */
    public static final int SMALLEST_GROUP = 4;

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
        // Kernels that round may store whole vectors of scales and sums.
        scales = new float[padded / SMALLEST_GROUP + 16];
        sums = new float[padded / SMALLEST_GROUP + 16];
    }

    /** Elements there is room for. */
    public int columns() {
        return quants.length;
    }

    /**
     * Rounds {@code columns} elements, whole groups, to the nearest integer, ties to even. Where the scale would be subnormal, all of the group become
     * zero. NaN and infinity among them make scale and sum NaN or infinite, so that no product with them is finite.
     *
     * @param group elements that share a scale: 4, 8 or 16
     */
    public void quantize(float[] x, int offset, int columns, int group, FloatKernels floats) {
        arrangedFor = null;
        floats.roundToBytes(x, offset, quants, scales, sums, columns, group);
        int padded = Math.ceilDiv(columns, 256) * 256;
        Arrays.fill(quants, columns, padded, (byte) 0);
        Arrays.fill(scales, columns / group, padded / group, 0);
        Arrays.fill(sums, columns / group, padded / group, 0);
    }

    /** The rounded elements. */
    public byte[] quants() {
        return quants;
    }

    /** The scale of each group. */
    public float[] scales() {
        return scales;
    }

    /** The sum of each group, {@code scale * sum q}. */
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
