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
 * as such pairs: even ones of elements 4i and 4i + 2, odd ones of 4i + 1 and 4i + 3. A pair is an int, or, to take half the memory, the two bytes q2
 * and {@code q0 - (q2 < 0 ? 1 : 0)}: both widened to 16 bits they are that int.
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
    // Bytes of 32 or 16 elements, and half of them.
    private static final VectorSpecies<Byte> UNIT = LANES == 4 ? ByteVector.SPECIES_128 : ByteVector.SPECIES_256;
    private static final VectorSpecies<Short> HALF_UNIT = VectorSpecies.of(short.class, VectorShape.forBitSize(UNIT.vectorBitSize() / 2));

    // Pairs as ints save an instruction each, but rows that leave the first-level cache cost more than that.
    private static final int MOST_COLUMNS_AS_INTS = 8192;

    private Int8Pairs() {}

    /** Whether kernels of sixteen lanes take the pairs of rows of this length as ints. */
    static boolean asInts(int columns) {
        return LANES == 16 && columns <= MOST_COLUMNS_AS_INTS;
    }

    /** Bytes from the first pair of a block to its scales. */
    static int scalesOffset(boolean asInts) {
        return asInts ? 2 * BLOCK : BLOCK;
    }

    /** Bytes from the first pair of a block to its sums. */
    static int sumsOffset(boolean asInts) {
        return scalesOffset(asInts) + Float.BYTES * SCALES;
    }

    /** Bytes of one block. */
    static int blockBytes(boolean asInts) {
        return sumsOffset(asInts) + Float.BYTES * GROUPS;
    }

    /**
     * Lays out the first {@code columns} elements of {@code x}.
     *
     * @param bySixtyFour whether the second and third 32 elements of each 128 are exchanged, so that those 64 apart stand together
     * @param asInts whether pairs are ints, or two bytes
     */
    static void arrange(Int8Kernel kernel, Int8Row x, int columns, boolean bySixtyFour, boolean asInts) {
        int blocks = columns / BLOCK;
        MemorySegment to = x.arrangeFor(kernel, (long) blocks * blockBytes(asInts));
        int pairBytes = asInts ? Integer.BYTES : Short.BYTES;
        for (int unit = 0; unit < columns; unit += UNIT.length()) {
            int group = unit % BLOCK / 32;
            int place = (bySixtyFour ? group & ~3 | (group & 1) << 1 | (group & 2) >> 1 : group) * 8 + unit % 32 / 4;
            long at = (long) (unit / BLOCK) * blockBytes(asInts) + (place / 16 * 32 + place % 16) * pairBytes;
            IntVector q = ByteVector.fromArray(UNIT, x.quants(), unit).reinterpretAsInts();
            store(q.lanewise(VectorOperators.LSHL, 24), q.lanewise(VectorOperators.LSHL, 8), to, at, asInts);
            store(q.lanewise(VectorOperators.LSHL, 16), q, to, at + 16L * pairBytes, asInts);
        }
        for (int block = 0; block < blocks; block++) {
            long at = (long) block * blockBytes(asInts);
            for (int i = 0; i < SCALES; i++) {
                float scale = x.scales()[block * GROUPS + i * GROUPS / SCALES];
                to.set(ValueLayout.JAVA_FLOAT, at + scalesOffset(asInts) + Float.BYTES * i, PRODUCT_UNIT * scale);
            }
            MemorySegment.copy(x.sums(), block * GROUPS, to, ValueLayout.JAVA_FLOAT, at + sumsOffset(asInts), GROUPS);
        }
    }

    // The bytes of each pair are the uppermost of both ints.
    private static void store(IntVector first, IntVector second, MemorySegment to, long at, boolean asInts) {
        IntVector pair = first.lanewise(VectorOperators.ASHR, 24).lanewise(VectorOperators.LSHL, 16).add(second.lanewise(VectorOperators.ASHR, 24));
        if (asInts) {
            pair.intoMemorySegment(to, at, LITTLE_ENDIAN);
        } else {
            IntVector bytes = pair.and(0xFF).or(pair.lanewise(VectorOperators.LSHR, 8).and(0xFF00));
            ((ShortVector) bytes.convertShape(VectorOperators.I2S, HALF_UNIT, 0)).intoMemorySegment(to, at, LITTLE_ENDIAN);
        }
    }
}
