package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.VectorWidth.LANES;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.gemma4j.backend.cpu.kernel.Int8Kernel;
import io.gemma4j.backend.cpu.kernel.Int8Row;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Layouts of rounded activations for kernels that multiply two weights at once.
 *
 * <p>Two products take one multiplication of 32-bit lanes: with weights {@code w0 + (w2 << 16)} and activations {@code (q0 << 16) + q2}, the upper
 * half of the product is {@code w0 q0 + w2 q2}, give or take one for the lower half. Four consecutive weights are one int, so activations are kept
 * as such pairs: even ones of elements 4i and 4i + 2, odd ones of 4i + 1 and 4i + 3. With sixteen lanes a pair is an int; with fewer the two bytes q2 and
 * {@code q0 - (q2 < 0 ? 1 : 0)}, which widened to 16 bits are that int.
 *
 * <p>Of each 256 elements there are four runs of 64, of each run the 16 even pairs and then the 16 odd ones; after them come the scales, already
 * divided by the 2^16 of the products, and then the 16 sums. Sixteen lanes have the 16 scales; fewer have one for each lane.
 */
final class Int8Pairs {
    /** Activations that share a scale. */
    static final int GROUP = 16;
    /** Elements laid out together. */
    static final int BLOCK = 256;
    private static final float PRODUCT_UNIT = 0x1p-16f;
    private static final int GROUPS = BLOCK / GROUP;
    private static final int SCALES = LANES == 16 ? GROUPS : BLOCK / 4;
    /** Bytes from the first pair of a block to its scales. */
    static final int SCALES_OFFSET = LANES == 16 ? 2 * BLOCK : BLOCK;
    /** Bytes from the first pair of a block to its sums. */
    static final int SUMS_OFFSET = SCALES_OFFSET + Float.BYTES * SCALES;
    /** Bytes of one block. */
    static final int BLOCK_BYTES = SUMS_OFFSET + Float.BYTES * GROUPS;
    // Bytes of 32 or 16 elements, and half of them.
    private static final VectorSpecies<Byte> UNIT = LANES == 4 ? ByteVector.SPECIES_128 : ByteVector.SPECIES_256;
    private static final VectorSpecies<Short> HALF_UNIT = VectorSpecies.of(short.class, VectorShape.forBitSize(UNIT.vectorBitSize() / 2));

    private Int8Pairs() {}

    /**
     * Lays out the first {@code columns} elements of {@code x}.
     *
     * @param bySixtyFour whether the second and third 32 elements of each 128 are exchanged, so that those 64 apart stand together
     * @param sumsFactor what sums are multiplied by
     */
    static void arrange(Int8Kernel kernel, Int8Row x, int columns, boolean bySixtyFour, float sumsFactor) {
        int blocks = columns / BLOCK;
        MemorySegment to = x.arrangeFor(kernel, (long) blocks * BLOCK_BYTES);
        int pairBytes = LANES == 16 ? Integer.BYTES : Short.BYTES;
        for (int unit = 0; unit < columns; unit += UNIT.length()) {
            int group = unit % BLOCK / 32;
            int place = (bySixtyFour ? group & ~3 | (group & 1) << 1 | (group & 2) >> 1 : group) * 8 + unit % 32 / 4;
            long at = (long) (unit / BLOCK) * BLOCK_BYTES + (place / 16 * 32 + place % 16) * pairBytes;
            IntVector q = ByteVector.fromArray(UNIT, x.quants(), unit).reinterpretAsInts();
            store(q.lanewise(VectorOperators.LSHL, 24), q.lanewise(VectorOperators.LSHL, 8), to, at);
            store(q.lanewise(VectorOperators.LSHL, 16), q, to, at + 16L * pairBytes);
        }
        for (int block = 0; block < blocks; block++) {
            long at = (long) block * BLOCK_BYTES;
            for (int i = 0; i < SCALES; i++) {
                float scale = x.scales()[block * GROUPS + i * GROUPS / SCALES];
                to.set(ValueLayout.JAVA_FLOAT, at + SCALES_OFFSET + Float.BYTES * i, PRODUCT_UNIT * scale);
            }
            for (int i = 0; i < GROUPS; i++) {
                to.set(ValueLayout.JAVA_FLOAT, at + SUMS_OFFSET + Float.BYTES * i, sumsFactor * x.sums()[block * GROUPS + i]);
            }
        }
    }

    // The bytes of each pair are the uppermost of both ints.
    private static void store(IntVector first, IntVector second, MemorySegment to, long at) {
        IntVector pair = first.lanewise(VectorOperators.ASHR, 24).lanewise(VectorOperators.LSHL, 16).add(second.lanewise(VectorOperators.ASHR, 24));
        if (LANES == 16) {
            pair.intoMemorySegment(to, at, LITTLE_ENDIAN);
        } else {
            IntVector bytes = pair.and(0xFF).or(pair.lanewise(VectorOperators.LSHR, 8).and(0xFF00));
            ((ShortVector) bytes.convertShape(VectorOperators.I2S, HALF_UNIT, 0)).intoMemorySegment(to, at, LITTLE_ENDIAN);
        }
    }
}
