package io.gemma4j.gguf;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * One tensor of a GGUF file. Thread-safe where the memory of {@code bytes} is, which belongs to the arena the file was opened with.
 *
 * @param name its name, e.g. {@code blk.0.attn_q.weight}
 * @param type its element type
 * @param dimensions 1 to 4 sizes in elements, ggml's order: innermost (the length of a row) first
 * @param bytes its data, row after row of whole blocks
 */
public record GgufTensor(String name, GgmlType type, List<Long> dimensions, MemorySegment bytes) {
    /** Most dimensions a tensor has. */
    static final int MAX_DIMENSIONS = 4;

    /**
     * Checks that {@code bytes} is what the type and the dimensions need.
     *
     * @throws IllegalArgumentException if it is not, or if the dimensions are none that a tensor of the type can have
     */
    public GgufTensor {
        dimensions = List.copyOf(dimensions);
        long expected = byteSize(name, type, dimensions);
        if (bytes.byteSize() != expected) {
            throw new IllegalArgumentException("tensor '" + name + "' of " + type + " " + dimensions + " has " + expected + " bytes, not " + bytes.byteSize());
        }
    }

    /** Number of elements: the product of the dimensions. */
    public long elements() {
        return dimensions.stream().mapToLong(Long::longValue).reduce(1, Math::multiplyExact);
    }

    /** Bytes of a tensor; refuses dimensions that {@link #dimensionRule} does not allow. */
    static long byteSize(String name, GgmlType type, List<Long> dimensions) {
        try {
            boolean sound = !dimensions.isEmpty() && dimensions.size() <= MAX_DIMENSIONS && dimensions.getFirst() % type.blockElements() == 0;
            long elements = 1;
            for (long dimension : dimensions) {
                sound &= dimension >= 1;
                elements = Math.multiplyExact(elements, dimension);
            }
            if (sound) {
                return Math.multiplyExact(elements / type.blockElements(), type.blockBytes());
            }
        } catch (ArithmeticException tooLarge) {
            // refused below
        }
        throw new IllegalArgumentException("tensor '" + name + "': expected " + dimensionRule(type) + ", found " + dimensions);
    }

    /** What {@link #byteSize} accepts, for messages. */
    static String dimensionRule(GgmlType type) {
        return "1 to " + MAX_DIMENSIONS + " dimensions of at least 1, the first a multiple of " + type.blockElements() + " (" + type
                + "), less than 2^63 elements and bytes";
    }
}
