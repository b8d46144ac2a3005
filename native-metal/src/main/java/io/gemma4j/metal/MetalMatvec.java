package io.gemma4j.metal;

import io.gemma4j.gguf.GgmlType;
import java.util.EnumMap;
import java.util.Map;

/**
 * Products of a matrix and a few rows of activations: {@code matvec_<type>} and {@code expert_matvec_<type>}. Matrices are read once for up to
 * {@value #TOKENS_AT_ONCE} rows. Used by one thread at a time.
 */
final class MetalMatvec {
    /** Rows that read the matrix together. */
    static final int TOKENS_AT_ONCE = 4;

    private static final int SIMDGROUPS = 4;
    private static final int THREADS = 32 * SIMDGROUPS;
    /** Columns that a simdgroup reads at a time. */
    private static final int SWEEP_COLUMNS = 1024;
    /** With fewer simdgroups than this a large GPU has too few loads under way. */
    private static final int ENOUGH_SIMDGROUPS = 1024;

    private final KernelLibrary kernels;
    private final Map<GgmlType, MetalPipeline[]> products = new EnumMap<>(GgmlType.class);
    private final Map<GgmlType, MetalPipeline[]> expertProducts = new EnumMap<>(GgmlType.class);

    MetalMatvec(KernelLibrary kernels) {
        this.kernels = kernels;
    }

    /** What becomes of the products; numbers as in {@code matvec.h}. */
    enum Epilogue {
        NONE,
        GEGLU,
        GELU_FACTORS,
        SOFTCAP
    }

    /** How the work is cut. */
    private record Shape(int rows, int split, int tokens, Epilogue epilogue) {
        static final int PLACES = 4 * 3 * TOKENS_AT_ONCE * Epilogue.values().length;

        static Shape of(int outputs, int columns, int tokens, Epilogue epilogue) {
            int matrices = epilogue == Epilogue.GEGLU ? 2 : 1;
            int rows = outputs * matrices >= ENOUGH_SIMDGROUPS ? 4 : 2;
            int sweeps = Math.ceilDiv(columns, SWEEP_COLUMNS);
            int simdgroups = Math.ceilDiv(outputs * matrices, rows);
            int split = 1;
            while (split < SIMDGROUPS && 2 * split <= sweeps && simdgroups * split < ENOUGH_SIMDGROUPS) {
                split *= 2;
            }
            return new Shape(rows, split, Math.min(tokens, TOKENS_AT_ONCE), epilogue);
        }

        int place() {
            int logRows = Integer.numberOfTrailingZeros(rows);
            int logSplit = Integer.numberOfTrailingZeros(split);
            return ((logRows * 3 + logSplit) * TOKENS_AT_ONCE + tokens - 1) * Epilogue.values().length + epilogue.ordinal();
        }

        FunctionConstants constants() {
            return FunctionConstants.NONE.with(0, rows).with(1, split).with(2, tokens).with(3, epilogue.ordinal());
        }

        int threadgroups(int outputs) {
            return Math.ceilDiv(outputs, rows * (SIMDGROUPS / split) / (epilogue == Epilogue.GEGLU ? 2 : 1));
        }
    }

    /** {@code out[r][n] = sum_k in[r][k] * weight[n][k]}. */
    void multiply(MetalStream stream, MetalMatrix weight, MetalRows in, MetalRows out, int rows) {
        launch(stream, Epilogue.NONE, weight, weight, in, out, null, 0, rows);
    }

    /** {@code out = geluTanh(gate * in) * (up * in)}. */
    void geglu(MetalStream stream, MetalMatrix gate, MetalMatrix up, MetalRows in, MetalRows out, int rows) {
        launch(stream, Epilogue.GEGLU, gate, up, in, out, null, 0, rows);
    }

    /** {@code out = geluTanh(weight * in) * factors}. */
    void geluTimes(MetalStream stream, MetalMatrix weight, MetalRows in, MetalRows factors, MetalRows out, int rows) {
        launch(stream, Epilogue.GELU_FACTORS, weight, weight, in, out, factors, 0, rows);
    }

    /** {@code out = cap * tanh(weight * in / cap)}. */
    void softcapped(MetalStream stream, MetalMatrix weight, MetalRows in, float cap, MetalRows out, int rows) {
        launch(stream, Epilogue.SOFTCAP, weight, weight, in, out, null, cap, rows);
    }

    private void launch(MetalStream stream, Epilogue epilogue, MetalMatrix first, MetalMatrix second, MetalRows in, MetalRows out, MetalRows factors,
            float softcap, int rows) {
        Shape shape = Shape.of(first.rows(), first.columns(), rows, epilogue);
        stream.kernel(pipeline(products, "matvec", first, shape)).weight(0, first.bytes()).weight(1, second.bytes()).read(2, in.first(rows))
                .write(3, out.first(rows));
        if (factors == null) {
            stream.weight(4, first.bytes());
        } else {
            stream.read(4, factors.first(rows));
        }
        putProduct(stream, first, rows, in, out, factors == null ? 0 : factors.stride(), softcap);
        stream.arguments(5).dispatch(Grid.of(shape.threadgroups(first.rows()), Math.ceilDiv(rows, shape.tokens())), THREADS);
    }

    private static void putProduct(MetalStream stream, MetalMatrix weight, int rows, MetalRows in, MetalRows out, int factorsStride, float softcap) {
        stream.put(weight.rows()).put(weight.columns()).put(rows).put(in.stride()).put(out.stride()).put(factorsStride).put(softcap);
    }

    /**
     * {@code out[slot] = weight of the slot's expert * in}, or with {@code up} the gated product of the two.
     *
     * @param first the matrix of expert 0, without the rows of {@code up}
     * @param up of expert 0, or null for none
     * @param expertRows rows from one expert's matrix to the next one's
     * @param in a row for {@code slotsPerInputRow} slots
     * @param experts of each slot
     */
    void experts(MetalStream stream, MetalMatrix first, MetalMatrix up, int expertRows, MetalRows in, int slotsPerInputRow, BufferSlice experts,
            MetalRows out, int slots) {
        Epilogue epilogue = up == null ? Epilogue.NONE : Epilogue.GEGLU;
        Shape shape = Shape.of(first.rows(), first.columns(), 1, epilogue);
        stream.kernel(pipeline(expertProducts, "expert_matvec", first, shape)).weight(0, first.bytes())
                .weight(1, up == null ? first.bytes() : up.bytes()).read(2, in.first(Math.ceilDiv(slots, slotsPerInputRow))).write(3, out.first(slots))
                .read(4, experts);
        putProduct(stream, first, 1, in, out, 0, 0);
        stream.put(expertRows).put(slotsPerInputRow).arguments(5).dispatch(Grid.of(shape.threadgroups(first.rows()), slots), THREADS);
    }

    private MetalPipeline pipeline(Map<GgmlType, MetalPipeline[]> known, String operation, MetalMatrix weight, Shape shape) {
        MetalPipeline[] places = known.computeIfAbsent(weight.type(), type -> new MetalPipeline[Shape.PLACES]);
        int place = shape.place();
        if (places[place] == null) {
            places[place] = kernels.pipeline(weight.kernel(operation), shape.constants());
        }
        return places[place];
    }
}
