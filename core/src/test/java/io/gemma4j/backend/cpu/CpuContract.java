package io.gemma4j.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.CpuKernels;
import io.gemma4j.backend.BackendOptions;
import io.gemma4j.backend.BackendProvider;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.Step;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.BlockFormats;
import io.gemma4j.tensor.QuantizedTensor;
import io.gemma4j.tensor.RandomBlocks;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.TestInstance;

/**
 * A CPU backend of three workers and what its tests need: matrices that lie in the middle of larger ones full of NaN, so that a wrong offset or
 * stride shows, and weights with their values.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class CpuContract {
    private static final int MARGIN_COLUMNS = 3;
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    final CpuBackend backend;

    CpuContract(CpuKernels kernels) {
        try {
            backend = (CpuBackend) new CpuBackendProvider().open(new BackendOptions(3, kernels));
        } catch (BackendProvider.UnavailableException e) {
            throw new IllegalStateException(e);
        }
    }

    @AfterAll
    void close() {
        backend.close();
    }

    /** A matrix of the backend and the numbers in it. */
    record Matrix(QuantizedTensor tensor, float[][] values) {

        static Matrix random(GgmlType type, int rows, int columns, Random random) {
            byte[] bytes = RandomBlocks.moderate(type, rows * columns / type.blockElements(), random);
            return of(QuantizedTensor.of(type.name(), type, rows, columns, MemorySegment.ofArray(bytes)));
        }

        /** Of several parts. */
        static Matrix joined(Matrix... parts) {
            QuantizedTensor[] tensors = new QuantizedTensor[parts.length];
            for (int i = 0; i < parts.length; i++) {
                tensors[i] = parts[i].tensor();
            }
            return of(QuantizedTensor.concatRows("joined", tensors));
        }

        private static Matrix of(QuantizedTensor tensor) {
            float[][] values = new float[(int) tensor.rows()][tensor.columns()];
            for (QuantizedTensor.Part part : tensor.parts()) {
                for (int row = 0; row < part.rows(); row++) {
                    BlockFormats.of(tensor.type()).orElseThrow()
                            .dequantize(part.bytes(), row * tensor.rowBytes(), values[(int) part.firstRow() + row], 0, tensor.columns());
                }
            }
            return new Matrix(tensor, values);
        }
    }

    CpuWeight upload(Matrix matrix) {
        return (CpuWeight) backend.upload(matrix.tensor());
    }

    /** An F32 vector with these values. */
    CpuWeight vector(float[] values) {
        return (CpuWeight) backend.upload(QuantizedTensor.of("vector", GgmlType.F32, 1, values.length, littleEndian(values)));
    }

    static MemorySegment littleEndian(float[] values) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[values.length * Float.BYTES]);
        MemorySegment.copy(values, 0, bytes, FLOAT, 0, values.length);
        return bytes;
    }

    /** {@code values[i] = of(i)}. */
    static void setAll(float[] values, IntToDoubleFunction of) {
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) of.applyAsDouble(i);
        }
    }

    static float[][] uniform(int rows, int width, float bound, Random random) {
        float[][] values = new float[rows][width];
        for (float[] row : values) {
            setAll(row, i -> random.nextFloat(-bound, bound));
        }
        return values;
    }

    /** Activations with these values; all memory around them is NaN. */
    CpuActivations activations(float[][] values) {
        int width = values[0].length;
        CpuActivations whole = CpuActivations.allocate(values.length + 2, width + 2 * MARGIN_COLUMNS + 1);
        Arrays.fill(whole.data(), Float.NaN);
        CpuActivations view = whole.rowsFrom(1).columns(MARGIN_COLUMNS, width);
        for (int row = 0; row < values.length; row++) {
            System.arraycopy(values[row], 0, view.data(), view.row(row), width);
        }
        return view;
    }

    /** Activations with nothing but NaN in them. */
    CpuActivations blank(int rows, int width) {
        float[][] nothing = new float[rows][width];
        for (float[] row : nothing) {
            Arrays.fill(row, Float.NaN);
        }
        return activations(nothing);
    }

    float[][] rows(CpuActivations activations, int rows) {
        float[][] values = new float[rows][activations.width()];
        for (int row = 0; row < rows; row++) {
            backend.read(activations, row, values[row]);
        }
        return values;
    }

    /** What an element has to be, and how far from it is still right. */
    record Bounded(double value, double bound) {}

    @FunctionalInterface
    interface Expectation {
        Bounded at(int row, int column);
    }

    /** Every element of the first rows is what it has to be, and nothing around them has been written. */
    void assertRows(CpuActivations actual, int rows, Expectation expectation, Supplier<String> context) {
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < actual.width(); column++) {
                Bounded expected = expectation.at(row, column);
                float found = actual.data()[actual.row(row) + column];
                if (!(Math.abs(found - expected.value()) <= expected.bound())) {
                    throw new AssertionError(context.get() + ": [" + row + "][" + column + "] is " + found + " instead of " + expected);
                }
            }
        }
        for (int i = 0; i < actual.data().length; i++) {
            int row = Math.floorDiv(i - actual.offset(), actual.stride());
            int column = Math.floorMod(i - actual.offset(), actual.stride());
            boolean inside = row >= 0 && row < rows && column < actual.width();
            int at = i;
            assertTrue(inside || Float.isNaN(actual.data()[i]), () -> context.get() + ": wrote outside, at " + at + " = [" + row + "][" + column + "]");
        }
    }

    /** A step of these tokens at the positions from {@code firstPosition} on. */
    static Step step(int firstPosition, int[] tokens, Step.LogitRows wanted) {
        KvCache cache = new KvCache(List.of(), 0, firstPosition + tokens.length);
        cache.append(firstPosition);
        return Step.of(cache, tokens, wanted);
    }
}
