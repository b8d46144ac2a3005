package io.gemma4j.metal;

import java.util.ArrayList;
import java.util.List;

/**
 * Values that a kernel is compiled with. Immutable.
 *
 * @param values in the order they were given
 */
record FunctionConstants(List<Value> values) {
    /** For kernels without. */
    static final FunctionConstants NONE = new FunctionConstants(List.of());

    // MTLDataType
    private static final long FLOAT = 3;
    private static final long UINT = 33;
    private static final long BOOL = 53;

    FunctionConstants {
        values = List.copyOf(values);
    }

    /**
     * One of them.
     *
     * @param index as the source has it
     * @param type {@code MTLDataType}
     * @param bits little-endian
     */
    record Value(int index, long type, int bits) {}

    /** These and a {@code bool}. */
    FunctionConstants with(int index, boolean value) {
        return and(new Value(index, BOOL, value ? 1 : 0));
    }

    /** These and a {@code uint}. */
    FunctionConstants with(int index, int value) {
        return and(new Value(index, UINT, value));
    }

    /** These and a {@code float}. */
    FunctionConstants with(int index, float value) {
        return and(new Value(index, FLOAT, Float.floatToRawIntBits(value)));
    }

    private FunctionConstants and(Value value) {
        if (values.stream().anyMatch(each -> each.index() == value.index())) {
            throw new IllegalArgumentException("function constant " + value.index() + " is given twice");
        }
        List<Value> all = new ArrayList<>(values);
        all.add(value);
        return new FunctionConstants(all);
    }
}
