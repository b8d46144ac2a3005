package io.gemma4j.cuda;

import io.gemma4j.KvType;
import io.gemma4j.backend.Activations;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.RopeFrequencies;
import io.gemma4j.backend.Routing;
import io.gemma4j.backend.Step;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.QuantizedTensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Each operation on the GPU against the scalar one, on random values and odd shapes. */
@Gpu
class CudaOperationsTest {
    private static final float EPSILON = 1e-6f;
    /** Sums of 32-bit floats in another order. */
    private static final double FLOAT_BOUND = 2e-6;
    /** Inputs and weights rounded to 11 bits. */
    private static final double HALF_BOUND = 2e-3;
    /** Inputs rounded to 8 bits in groups of 8. */
    private static final double INT8_BOUND = 8e-3;

    @RegisterExtension
    static final BothSides SIDES = new BothSides();

    private static Step step(KvCache cache, int rows) {
        return Step.of(cache, IntStream.range(0, rows).toArray(), Step.LogitRows.ALL);
    }

    @TestFactory
    Stream<DynamicTest> productsOfEveryTypeAndNumberOfRows() {
        return RandomTensors.types().map(type -> DynamicTest.dynamicTest(type.toString(), () -> {
            for (int rows : new int[] {1, 2, 5, 17, 65, 130}) {
                Random random = new Random(rows);
                int columns = 256 * (1 + random.nextInt(6)) + (type.blockElements() == 256 ? 0 : 32 * random.nextInt(8));
                int outputs = 2 + random.nextInt(320);
                QuantizedTensor weight = RandomTensors.of(type, outputs, columns, random);
                float[][] in = RandomTensors.gaussians(rows, columns, random);
                boolean tiled = TileLayout.supports(type, columns);
                boolean exact = type == GgmlType.F32 || rows == 1 && !tiled || rows <= 4 && tiled && type.blockElements() == 1;
                double bound = exact ? FLOAT_BOUND : rows <= 4 && tiled ? INT8_BOUND : HALF_BOUND;
                SIDES.assertSame(type + " " + outputs + " x " + columns + ", " + rows + " rows", bound, side -> {
                    Activations out = side.backend().allocateActivations(rows, outputs);
                    side.backend().matmul(side.backend().upload(weight), side.put(in), out, rows);
                    return side.get(out, rows);
                });
            }
        }));
    }

    @TestFactory
    Stream<DynamicTest> embeddingsOfEveryType() {
        return RandomTensors.types().map(type -> DynamicTest.dynamicTest(type.toString(), () -> {
            QuantizedTensor table = RandomTensors.of(type, 37, 1280, new Random(1));
            SIDES.assertSame(type.toString(), 1e-7, side -> {
                Activations out = side.backend().allocateActivations(37, 512);
                try (KvCache none = new KvCache(List.of(), 1, 37)) {
                    side.backend().embed(side.backend().upload(table), step(none, 37), 256, 3.5f, out);
                }
                return side.get(out, 37);
            });
        }));
    }

    @Test
    void normsOfWholeRowsAndOfTheirParts() {
        for (int[] shape : new int[][] {{1, 1, 256}, {3, 8, 256}, {5, 4, 512}, {7, 1, 5376}, {2, 1, 2816}}) {
            int rows = shape[0];
            int width = shape[1] * shape[2];
            Random random = new Random(width);
            float[][] in = RandomTensors.gaussians(rows, width, random);
            float[][] residual = RandomTensors.gaussians(rows, width, random);
            QuantizedTensor norm = RandomTensors.of(RandomTensors.gaussians(1, shape[2], random));
            QuantizedTensor rowNorm = RandomTensors.of(RandomTensors.gaussians(1, width, random));
            SIDES.assertSame("norm", FLOAT_BOUND, side -> {
                Activations x = side.put(in);
                side.backend().rmsNorm(x, side.backend().upload(norm), shape[1], EPSILON, x, rows);
                return side.get(x, rows);
            });
            SIDES.assertSame("norm without weight", FLOAT_BOUND, side -> {
                Activations out = side.backend().allocateActivations(rows, width);
                side.backend().rmsNorm(side.put(in), null, shape[1], EPSILON, out, rows);
                return side.get(out, rows);
            });
            SIDES.assertSame("added norm", FLOAT_BOUND, side -> {
                Activations to = side.put(residual);
                side.backend().addRmsNorm(side.put(in), side.backend().upload(rowNorm), EPSILON, to, rows);
                return side.get(to, rows);
            });
        }
    }

    @Test
    void elementwiseOperationsOnViewsOfColumns() {
        int rows = 5;
        Random random = new Random(2);
        float[][] first = RandomTensors.gaussians(rows, 700, random);
        float[][] second = RandomTensors.gaussians(rows, 700, random);
        SIDES.assertSame("geglu", FLOAT_BOUND, side -> {
            Activations both = side.put(first);
            Activations gate = both.columns(0, 350);
            side.backend().geglu(gate, both.columns(350, 350), gate, rows);
            return side.get(both, rows);
        });
        SIDES.assertSame("add", FLOAT_BOUND, side -> {
            Activations x = side.put(first);
            side.backend().add(x.columns(3, 601), side.put(second).columns(50, 601), 0.7f, rows);
            return side.get(x, rows);
        });
        SIDES.assertSame("scale, copy, softcap", FLOAT_BOUND, side -> {
            Activations x = side.put(first);
            Activations y = side.put(second);
            side.backend().scale(x, -3.25f, rows);
            side.backend().copy(x.columns(100, 300), y.columns(7, 300), rows);
            side.backend().softcap(y, 2, rows);
            return side.get(y, rows);
        });
    }

    @Test
    void rowsThatWantLogitsAreGathered() {
        float[][] in = RandomTensors.gaussians(9, 300, new Random(3));
        SIDES.assertSame("gather", 0, side -> {
            Activations x = side.put(in);
            try (KvCache one = new KvCache(List.of(), 1, 9); KvCache two = new KvCache(List.of(), 1, 9)) {
                side.backend().gatherLogitRows(x, Step.of(List.of(new Step.Sequence(one, new int[4], Step.LogitRows.LAST),
                        new Step.Sequence(two, new int[5], Step.LogitRows.LAST))), x);
            }
            return side.get(x, 2);
        });
    }

    @Test
    void rotationAtSmallAndLargePositions() {
        for (int headDim : new int[] {256, 512}) {
            float[] factors = new float[headDim / 2];
            for (int i = 0; i < factors.length; i++) {
                factors[i] = i < 64 ? 1 : 1e30f;
            }
            RopeFrequencies rope = RopeFrequencies.of(headDim, 1e6, headDim == 512 ? factors : null);
            float[][] in = RandomTensors.gaussians(4, 3 * headDim, new Random(headDim));
            for (int before : new int[] {0, 131_000}) {
                SIDES.assertSame("rope " + headDim + " after " + before, FLOAT_BOUND, side -> {
                    Activations x = side.put(in);
                    try (KvCache cache = new KvCache(List.of(), 1, 200_000)) {
                        cache.append(before);
                        side.backend().ropeHalfSplit(x, step(cache, 4), rope);
                    }
                    return side.get(x, 4);
                });
            }
        }
    }

    @TestFactory
    Stream<DynamicTest> attentionOverRingsAndLinearCaches() {
        return Stream.of(KvType.values()).flatMap(type -> IntStream.of(256, 512).mapToObj(headDim -> DynamicTest.dynamicTest(
                type + ", heads of " + headDim, () -> {
                    for (int[] shape : new int[][] {{4, 1, 20, 64}, {4, 4, 300, 300}, {8, 1, 33, 300}, {6, 2, 16, 40}, {2, 2, 1, 8}}) {
                        attention(type, headDim, shape[0], shape[1], shape[2], shape[3]);
                    }
                })));
    }

    private static void attention(KvType type, int headDim, int heads, int kvHeads, int window, int slots) {
        int[] stepRows = {1, 7, 1, 30, 2, 19, 130};
        SIDES.assertSame("attention of " + heads + "/" + kvHeads + " heads, window " + window, type == KvType.F32 ? 2e-5 : HALF_BOUND, side -> {
            Random random = new Random(heads * 31L + window);
            List<float[]> all = new ArrayList<>();
            int context = 300;
            try (KvCache cache = side.cache(kvHeads, headDim, slots, type, context); KvCache other = side.cache(kvHeads, headDim, slots, type, context)) {
                for (int rows : stepRows) {
                    // What a ring must hold is the window and the step.
                    int fits = slots == context ? rows : Math.min(rows, slots - window + 1);
                    Step step = Step.of(List.of(new Step.Sequence(cache, new int[fits], Step.LogitRows.ALL),
                            new Step.Sequence(other, new int[1], Step.LogitRows.ALL)));
                    int both = fits + 1;
                    float[][] scaled = RandomTensors.gaussians(both, heads * headDim, random);
                    for (float[] row : scaled) {
                        for (int i = 0; i < row.length; i++) {
                            row[i] /= 8;
                        }
                    }
                    side.backend().kvUpdate(side.put(RandomTensors.gaussians(both, kvHeads * headDim, random)),
                            side.put(RandomTensors.gaussians(both, kvHeads * headDim, random)), step, 0);
                    Activations out = side.backend().allocateActivations(both, heads * headDim);
                    side.backend().attention(side.put(scaled), step, 0, heads, window, out);
                    all.addAll(List.of(side.get(out, both)));
                    cache.append(fits);
                    other.append(1);
                }
            }
            return all.toArray(float[][]::new);
        });
    }

    @TestFactory
    Stream<DynamicTest> routedExperts() {
        return Stream.of(GgmlType.Q4_K, GgmlType.Q5_0, GgmlType.Q8_0, GgmlType.Q6_K, GgmlType.F32).map(type -> DynamicTest.dynamicTest(type.toString(), () -> {
            for (int rows : new int[] {1, 3, 40, 200}) {
                experts(type, rows, 16, 4);
            }
        }));
    }

    private static void experts(GgmlType type, int rows, int experts, int perRow) {
        Random random = new Random(rows);
        int hidden = 256;
        int width = 512;
        float[][] in = RandomTensors.gaussians(rows, hidden, random);
        float[][] logits = RandomTensors.gaussians(rows, experts, random);
        QuantizedTensor up = RandomTensors.of(type, (long) experts * width, hidden, random);
        QuantizedTensor down = RandomTensors.of(type, (long) experts * hidden, width, random);
        QuantizedTensor scale = RandomTensors.of(RandomTensors.gaussians(1, experts, random));
        double bound = type == GgmlType.F32 ? FLOAT_BOUND : HALF_BOUND;
        SIDES.assertSame(type + ", " + rows + " rows", bound, side -> {
            Routing routing = side.backend().allocateRouting(rows, perRow);
            side.backend().routeExperts(side.put(logits), side.backend().upload(scale), routing, rows);
            Activations wide = side.backend().allocateActivations(rows * perRow, width);
            side.backend().expertMatmul(side.backend().upload(up), side.put(in), false, routing, wide, rows);
            Activations narrow = side.backend().allocateActivations(rows * perRow, hidden);
            side.backend().expertMatmul(side.backend().upload(down), wide, true, routing, narrow, rows);
            Activations sum = side.backend().allocateActivations(rows, hidden);
            side.backend().combineExperts(narrow, routing, sum, rows);
            return side.get(sum, rows);
        });
    }
}
