package io.gemma4j.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.CpuKernels;
import io.gemma4j.backend.RopeFrequencies;
import io.gemma4j.backend.Step.LogitRows;
import io.gemma4j.backend.Step;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.tensor.RandomBlocks;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The operations that take no matrix, against their definitions in double precision. */
abstract class ElementwiseContract extends CpuContract {
    /** Of one rounding or a few. */
    private static final double RELATIVE = 5e-7;
    /** Long enough for a second task of a row. */
    private static final int LONG_ROW = 4097;

    ElementwiseContract(CpuKernels kernels) {
        super(kernels);
    }

    static List<GgmlType> types() {
        return RandomBlocks.types();
    }

    private static int randomWidth(Random random) {
        return random.nextInt(8) == 0 ? LONG_ROW : random.nextInt(1, 300);
    }

    private static Bounded near(double value) {
        return new Bounded(value, RELATIVE * Math.abs(value));
    }

    @ParameterizedTest
    @MethodSource("types")
    void embedTakesTheColumnsFromTheFirstOn(GgmlType type) {
        Random random = new Random(type.ordinal());
        int block = type.blockElements();
        Matrix table = Matrix.joined(Matrix.random(type, 6, 5 * block, random), Matrix.random(type, 5, 5 * block, random));
        CpuWeight weight = upload(table);
        for (int blocks = 1; blocks <= 5; blocks++) {
            int firstColumn = random.nextInt(6 - blocks) * block;
            int[] tokens = random.ints(random.nextInt(1, 8), 0, 11).toArray();
            CpuActivations out = blank(tokens.length, blocks * block);
            backend.embed(weight, step(3, tokens, LogitRows.LAST), firstColumn, 1.75f, out);
            assertRows(out, tokens.length, (row, column) -> near(1.75 * table.values()[tokens[row]][firstColumn + column]), type::name);
        }
    }

    @RepeatedTest(12)
    void rmsNormDividesEachGroupByItsRoot(RepetitionInfo repetition) {
        Random random = new Random(repetition.getCurrentRepetition());
        int groups = random.nextInt(1, 5);
        int width = randomWidth(random);
        int rows = random.nextInt(1, 6);
        float[][] x = uniform(rows, groups * width, 3, random);
        float[] norm = random.nextBoolean() ? uniform(1, width, 2, random)[0] : null;
        CpuActivations in = activations(x);
        CpuActivations out = random.nextBoolean() ? in : blank(rows, groups * width);
        backend.rmsNorm(in, norm == null ? null : vector(norm), groups, 1e-3f, out, rows);
        assertRows(out, rows, (row, column) -> {
            int first = column / width * width;
            double factor = norm == null ? 1 : norm[column % width];
            double value = x[row][column] * inverseRms(Arrays.copyOfRange(x[row], first, first + width), 1e-3f) * factor;
            return new Bounded(value, 4 * RELATIVE * Math.abs(value));
        }, repetition::toString);
    }

    @RepeatedTest(8)
    void addRmsNormAddsTheNormToTheResidual(RepetitionInfo repetition) {
        Random random = new Random(repetition.getCurrentRepetition());
        int width = randomWidth(random);
        int rows = random.nextInt(1, 6);
        float[][] x = uniform(rows, width, 1e-2f, random);
        float[][] residual = uniform(rows, width, 5, random);
        float[] norm = uniform(1, width, 2, random)[0];
        CpuActivations sum = activations(residual);
        backend.addRmsNorm(activations(x), vector(norm), 1e-6f, sum, rows);
        assertRows(sum, rows, (row, column) -> {
            double added = x[row][column] * inverseRms(x[row], 1e-6f) * norm[column];
            return new Bounded(residual[row][column] + added, RELATIVE * (5 + 4 * Math.abs(added)));
        }, repetition::toString);
    }

    private static double inverseRms(float[] x, float epsilon) {
        double squares = 0;
        for (float value : x) {
            squares += (double) value * value;
        }
        return 1 / Math.sqrt(squares / x.length + epsilon);
    }

    @Test
    void rmsNormOfNothingButZerosIsZero() {
        CpuActivations x = activations(new float[2][33]);
        backend.rmsNorm(x, null, 1, 1e-6f, x, 2);
        assertRows(x, 2, (row, column) -> new Bounded(0, 0), () -> "zeros");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 255, 8191, 32767, 131060, 131068})
    void ropeTurnsThePairsByTheAngleOfThePosition(int firstPosition) {
        Random random = new Random(firstPosition);
        for (int headDim : new int[] {2, 6, 64, 256, 512}) {
            float[] factors = new float[headDim / 2];
            setAll(factors, i -> i % 3 == 2 ? 1e30f : 1);
            boolean factored = random.nextBoolean();
            RopeFrequencies rope = RopeFrequencies.of(headDim, 1e4, factored ? factors : null);
            int rows = random.nextInt(1, 5);
            int heads = random.nextInt(1, 4);
            float[][] x = uniform(rows, heads * headDim, 1, random);
            CpuActivations turned = activations(x);
            Step step = step(firstPosition, new int[rows], LogitRows.ALL);
            backend.ropeHalfSplit(turned, step, rope);
            assertRows(turned, rows, (row, column) -> {
                int head = column / headDim * headDim;
                int half = headDim / 2;
                int pair = (column - head) % half;
                double angle = factored && pair % 3 == 2 ? 0 : (firstPosition + row) * Math.pow(1e4, -2.0 * pair / headDim);
                double first = x[row][head + pair];
                double second = x[row][head + half + pair];
                return new Bounded(column - head < half ? first * Math.cos(angle) - second * Math.sin(angle)
                        : first * Math.sin(angle) + second * Math.cos(angle), 1e-6);
            }, () -> "head of " + headDim);
        }
    }

    @Test
    void pairsOfFrequencyZeroStayAsTheyAre() {
        float[][] x = uniform(3, 24, 1, new Random(7));
        CpuActivations turned = activations(x);
        backend.ropeHalfSplit(turned, step(131_000, new int[3], LogitRows.LAST), new RopeFrequencies(new double[4]));
        assertRows(turned, 3, (row, column) -> new Bounded(x[row][column], 0), () -> "frequency 0");
    }

    @Test
    void anglesFollowFromStepToStep() {
        RopeFrequencies rope = RopeFrequencies.of(2, 10, null);
        for (int position : new int[] {5, 6, 5, 100}) {
            CpuActivations x = activations(new float[][] {{1, 0}});
            backend.ropeHalfSplit(x, step(position, new int[1], LogitRows.LAST), rope);
            assertRows(x, 1, (row, column) -> new Bounded(column == 0 ? Math.cos(position) : Math.sin(position), 1e-6), () -> "position " + position);
        }
    }

    @RepeatedTest(8)
    void gegluIsGeluOfTheGateTimesUp(RepetitionInfo repetition) {
        Random random = new Random(repetition.getCurrentRepetition());
        int rows = random.nextInt(1, 5);
        int width = randomWidth(random);
        float[][] gate = uniform(rows, width, 6, random);
        float[][] up = uniform(rows, width, 3, random);
        CpuActivations in = activations(gate);
        CpuActivations out = random.nextBoolean() ? in : blank(rows, width);
        backend.geglu(in, activations(up), out, rows);
        assertRows(out, rows, (row, column) -> new Bounded(gelu(gate[row][column]) * up[row][column], 3e-6), repetition::toString);
    }

    private static double gelu(double x) {
        return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
    }

    @Test
    void gegluOfExtremeGatesIsTheGateOrZero() {
        float[] extremes = {-Float.MAX_VALUE, -1e20f, -1e10f, -300, -14, 0, -0f, 14, 300, 1e10f, 1e20f, Float.MAX_VALUE};
        for (int width : new int[] {1, 3, 37}) {
            float[][] gate = new float[extremes.length][width];
            float[][] ones = new float[extremes.length][width];
            for (int row = 0; row < extremes.length; row++) {
                Arrays.fill(gate[row], extremes[row]);
                Arrays.fill(ones[row], 1);
            }
            CpuActivations out = activations(gate);
            backend.geglu(out, activations(ones), out, extremes.length);
            assertRows(out, extremes.length, (row, column) -> near(Math.max(0, extremes[row])), () -> "width " + width);
        }
    }

    @Test
    void softcapBoundsAnyNumber() {
        float[] extremes = {Float.NEGATIVE_INFINITY, -Float.MAX_VALUE, -1e6f, -30, -1, -0f, 0, 1e-30f, 1, 29, 31, 1e6f, Float.MAX_VALUE,
            Float.POSITIVE_INFINITY};
        for (int width : new int[] {1, 5, 33}) {
            float[][] x = new float[extremes.length][width];
            for (int row = 0; row < extremes.length; row++) {
                Arrays.fill(x[row], extremes[row]);
            }
            CpuActivations capped = activations(x);
            backend.softcap(capped, 30, extremes.length);
            assertRows(capped, extremes.length, (row, column) -> new Bounded(30 * Math.tanh(extremes[row] / 30.0), 1e-5), () -> "width " + width);
            for (float[] row : rows(capped, extremes.length)) {
                for (float value : row) {
                    assertTrue(Math.abs(value) <= 30);
                }
            }
        }
    }

    @Test
    void softcapOfNaNStaysNaN() {
        float[][] x = new float[1][19];
        Arrays.fill(x[0], Float.NaN);
        CpuActivations capped = activations(x);
        backend.softcap(capped, 30, 1);
        for (float value : rows(capped, 1)[0]) {
            assertTrue(Float.isNaN(value));
        }
    }

    @RepeatedTest(6)
    void softcapIsTheScaledHyperbolicTangent(RepetitionInfo repetition) {
        Random random = new Random(repetition.getCurrentRepetition());
        int rows = random.nextInt(1, 4);
        float[][] x = uniform(rows, randomWidth(random), 100, random);
        CpuActivations capped = activations(x);
        backend.softcap(capped, 30, rows);
        assertRows(capped, rows, (row, column) -> new Bounded(30 * Math.tanh(x[row][column] / 30.0), 1e-5), repetition::toString);
    }

    @RepeatedTest(6)
    void addScaleAndCopyDoWhatTheySay(RepetitionInfo repetition) {
        Random random = new Random(repetition.getCurrentRepetition());
        int rows = random.nextInt(1, 5);
        int width = randomWidth(random);
        float[][] x = uniform(rows, width, 1, random);
        float[][] y = uniform(rows, width, 1, random);
        CpuActivations sum = activations(x);
        backend.add(sum, activations(y), 0.7f, rows);
        assertRows(sum, rows, (row, column) -> new Bounded(((double) x[row][column] + y[row][column]) * 0.7f, RELATIVE), () -> "add");
        CpuActivations scaled = activations(x);
        backend.scale(scaled, -3.5f, rows);
        assertRows(scaled, rows, (row, column) -> near(-3.5 * x[row][column]), () -> "scale");
        CpuActivations copy = blank(rows, width);
        backend.copy(activations(x), copy, rows);
        assertRows(copy, rows, (row, column) -> new Bounded(x[row][column], 0), () -> "copy");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void gatherLogitRowsBringsThemToTheTop(boolean inPlace) {
        Random random = new Random(9);
        for (LogitRows wanted : LogitRows.values()) {
            Step step = step(4, new int[7], wanted);
            float[][] x = uniform(7, 21, 1, random);
            CpuActivations in = activations(x);
            CpuActivations out = inPlace ? in : blank(7, 21);
            backend.gatherLogitRows(in, step, out);
            float[][] found = rows(out, 7);
            for (int i = 0; i < step.logitRowCount(); i++) {
                assertArrayEquals(x[step.logitRow(i)], found[i]);
            }
            for (int row = step.logitRowCount(); row < 7 && !inPlace; row++) {
                assertTrue(Float.isNaN(found[row][0]));
            }
        }
    }

    @Test
    void viewsShareTheMemoryOfTheWholeAndStayInside() {
        CpuActivations whole = (CpuActivations) backend.allocateActivations(4, 10);
        CpuActivations view = whole.rowsFrom(1).columns(2, 5).columns(1, 3);
        assertEquals(3, view.rows());
        assertEquals(3, view.width());
        backend.copy(activations(new float[][] {{1, 2, 3}, {4, 5, 6}}), view, 2);
        float[] row = new float[10];
        backend.read(whole, 2, row);
        assertArrayEquals(new float[] {0, 0, 0, 4, 5, 6, 0, 0, 0, 0}, row);
        assertThrows(IndexOutOfBoundsException.class, () -> whole.columns(8, 3));
        assertThrows(IndexOutOfBoundsException.class, () -> whole.rowsFrom(4));
    }
}
