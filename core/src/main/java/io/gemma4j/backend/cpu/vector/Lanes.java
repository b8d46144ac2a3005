package io.gemma4j.backend.cpu.vector;

import static io.gemma4j.backend.cpu.vector.VectorWidth.FLOATS;
import static io.gemma4j.backend.cpu.vector.VectorWidth.INTS;
import static io.gemma4j.backend.cpu.vector.VectorWidth.LANES;

import io.gemma4j.backend.cpu.kernel.Int8Kernel;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.LittleEndian;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Loads of packed weights, one weight byte or half word per int lane, that touch no byte beyond the lanes, and the conversions that all
 * kernels need. Stateless and thread-safe; every load is checked against the segment.
 */
final class Lanes {
    private static final VectorSpecies<Byte> BYTES = LANES == 16 ? ByteVector.SPECIES_128 : ByteVector.SPECIES_64;
    private static final VectorSpecies<Short> SHORTS =
            LANES == 16 ? ShortVector.SPECIES_256 : LANES == 8 ? ShortVector.SPECIES_128 : ShortVector.SPECIES_64;

    static final VectorSpecies<Byte> PAIR_BYTES = VectorSpecies.of(byte.class, VectorShape.forBitSize(LANES * 16));
    static final VectorSpecies<Short> PAIR_SHORTS = VectorSpecies.of(short.class, VectorShape.forBitSize(LANES * 32));

    private static final int ROWS_AT_ONCE = Int8Kernel.SCRATCH / LANES;

    /** Lane numbers 0, 1, 2, ... */
    static final IntVector INDEX = IntVector.broadcast(INTS, 0).addIndex(1);

    /** Shifts that bring byte i of an int to the bottom, or, counted from the other end, to the top of lane i. */
    private static final IntVector BYTE_SHIFT = INDEX.mul(8).and(31);

    private static final IntVector TOP_SHIFT = BYTE_SHIFT.neg().add(24);

    private static final VectorShuffle<Float> EIGHTH_NEXT = next(8);
    private static final VectorShuffle<Float> FOURTH_NEXT = next(4);
    private static final VectorShuffle<Float> SECOND_NEXT = next(2);

    private Lanes() {}

    private static VectorShuffle<Float> next(int lanes) {
        return VectorShuffle.fromOp(FLOATS, lane -> (lane + lanes) % LANES);
    }

    /** Bytes as 0 to 255. No vector of four bytes exists, so four lanes start from one int. */
    static IntVector unsignedBytes(MemorySegment bytes, long offset) {
        if (LANES == 4) {
            return IntVector.broadcast(INTS, LittleEndian.i32(bytes, offset)).lanewise(VectorOperators.LSHR, BYTE_SHIFT).and(0xFF);
        }
        return (IntVector) ByteVector.fromMemorySegment(BYTES, bytes, offset, ByteOrder.LITTLE_ENDIAN)
                .convertShape(VectorOperators.ZERO_EXTEND_B2I, INTS, 0);
    }

    /** Bytes as -128 to 127. */
    static IntVector signedBytes(MemorySegment bytes, long offset) {
        if (LANES == 4) {
            return IntVector.broadcast(INTS, LittleEndian.i32(bytes, offset)).lanewise(VectorOperators.LSHL, TOP_SHIFT)
                    .lanewise(VectorOperators.ASHR, 24);
        }
        return (IntVector) ByteVector.fromMemorySegment(BYTES, bytes, offset, ByteOrder.LITTLE_ENDIAN)
                .convertShape(VectorOperators.B2I, INTS, 0);
    }

    /** Half words as 0 to 65535. */
    static IntVector halfWords(MemorySegment bytes, long offset) {
        return (IntVector) ShortVector.fromMemorySegment(SHORTS, bytes, offset, ByteOrder.LITTLE_ENDIAN)
                .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
    }

    /** Binary16 bits as floats, exactly, including subnormal, infinite and NaN ones. */
    static FloatVector f16Floats(IntVector half) {
        IntVector magnitude = half.and(0x7FFF);
        // With the exponent still biased for binary16 the value is 2^112 too small, also where it is subnormal.
        FloatVector scaled = magnitude.lanewise(VectorOperators.LSHL, 13).reinterpretAsFloats().mul(0x1p112f);
        IntVector bits = scaled.reinterpretAsInts();
        bits = bits.lanewise(VectorOperators.OR, 0x7F80_0000, magnitude.compare(VectorOperators.GE, 0x7C00));
        return bits.or(half.and(0x8000).lanewise(VectorOperators.LSHL, 16)).reinterpretAsFloats();
    }

    /** Bfloat16 bits as floats, exactly. */
    static FloatVector bf16Floats(IntVector half) {
        return half.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    /** Binary32 values as they stand. */
    static FloatVector words(MemorySegment bytes, long offset) {
        return FloatVector.fromMemorySegment(FLOATS, bytes, offset, ByteOrder.LITTLE_ENDIAN);
    }

    static IntVector low(IntVector b) {
        return b.and(15);
    }

    /** Of lanes that hold one unsigned byte. */
    static IntVector high(IntVector b) {
        return b.lanewise(VectorOperators.LSHR, 4);
    }

    /** Bit {@code at + lane} of {@code bits} as 0 or 16, the most significant bit of a 5-bit weight. */
    static IntVector fifthBit(int bits, int at) {
        return IntVector.broadcast(INTS, bits).lanewise(VectorOperators.LSHR, INDEX.add(at)).and(1).lanewise(VectorOperators.LSHL, 4);
    }

    /** The numbers themselves. */
    static FloatVector toFloats(IntVector values) {
        return (FloatVector) values.convertShape(VectorOperators.I2F, FLOATS, 0);
    }

    static FloatVector floats(float[] values, int at) {
        return FloatVector.fromArray(FLOATS, values, at);
    }

    static FloatVector splat(float value) {
        return FloatVector.broadcast(FLOATS, value);
    }

    static FloatVector zero() {
        return FloatVector.zero(FLOATS);
    }

    static float sum(FloatVector a, FloatVector b) {
        return sum(a.add(b));
    }

    /** The lanes' sum, always in the same order: that of {@code reduceLanes} changes when its caller is compiled. */
    static float sum(FloatVector v) {
        FloatVector sum = v;
        if (LANES >= 16) {
            sum = sum.add(sum.rearrange(EIGHTH_NEXT));
        }
        if (LANES >= 8) {
            sum = sum.add(sum.rearrange(FOURTH_NEXT));
        }
        sum = sum.add(sum.rearrange(SECOND_NEXT));
        return sum.lane(0) + sum.lane(1);
    }

    /** Where in the scratch of an {@link Int8Kernel} the lanes of a row are stored, for {@link #sumRows}. */
    static int slot(int row) {
        return row % ROWS_AT_ONCE * LANES;
    }

    /**
     * To be called after each row: sums the lanes of the rows stored so far once the scratch is full or the last of {@code rows} is stored. For kernels
     * to which summing lanes themselves is one operation too many.
     */
    static void sumRows(float[] scratch, int row, int rows, float[] out, int outOffset) {
        if ((row + 1) % ROWS_AT_ONCE == 0 || row + 1 == rows) {
            int first = row / ROWS_AT_ONCE * ROWS_AT_ONCE;
            for (int i = first; i <= row; i++) {
                out[outOffset + i] = sum(FloatVector.fromArray(FLOATS, scratch, slot(i)));
            }
        }
    }

    /** Throws {@link IllegalArgumentException} where {@code elements} are no whole blocks. */
    static void requireWholeBlocks(GgmlType type, int elements) {
        type.rowBytes(elements);
    }
}
