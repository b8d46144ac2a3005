package io.gemma4j.cuda;

import io.gemma4j.cuda.CudaMatvec.Planes;
import io.gemma4j.cuda.CudaMatvec.Residual;
import io.gemma4j.gguf.GgmlType;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * How fast mat-vecs read the matrices of the 31B model, each in a chain with itself: recorded once, over more weights than the cache holds, every kernel with what
 * comes before or after it in the model. Prints a table; no test. {@code gpu-check.sh rates} runs it.
 */
final class MatvecRates {
    private static final int HIDDEN = 5376;
    private static final int WIDTH = 21504;
    private static final long WEIGHT_BYTES = 6L << 30;
    private static final int MOST_KERNELS = 60;
    private static final int LEAST_KERNELS = 5;
    private static final int REPLAYS = 20;
    private static final int REPETITIONS = 7;
    private static final int VECTOR_BYTES = 4 << 20;

    private enum Input {
        VECTOR, NORMS, NORMS_GEGLU_AFTER
    }

    /** @param second a matrix that the same kernel multiplies, or null */
    private record Case(String name, Input input, TileMatrix first, TileMatrix second) {

        static Case of(String name, Input input, GgmlType type, int rows, int columns) {
            return new Case(name, input, matrix(type, rows, columns), null);
        }

        private static TileMatrix matrix(GgmlType type, int rows, int columns) {
            return new TileMatrix(new TileLayout(type, columns), DevicePointer.NULL, rows);
        }

        static List<Case> all() {
            GgmlType small = GgmlType.Q4_K;
            GgmlType large = GgmlType.Q6_K;
            return List.of(of("gate and up, Q4_K", Input.NORMS_GEGLU_AFTER, small, 2 * WIDTH, HIDDEN), of("down, Q6_K", Input.VECTOR, large, HIDDEN, WIDTH),
                    of("down, Q4_K", Input.VECTOR, small, HIDDEN, WIDTH), of("QKV of sliding layers, Q4_K", Input.NORMS, small, 16384, HIDDEN),
                    new Case("the same, values in Q6_K", Input.NORMS, matrix(small, 12288, HIDDEN), matrix(large, 4096, HIDDEN)),
                    of("QK of full layers, Q4_K", Input.NORMS, small, 18432, HIDDEN), of("output of sliding layers, Q4_K", Input.VECTOR, small, HIDDEN, 8192),
                    of("output of full layers, Q4_K", Input.VECTOR, small, HIDDEN, 16384), of("head, Q6_K", Input.VECTOR, large, 262144, HIDDEN));
        }

        long bytes() {
            return bytes(first) + (second == null ? 0 : bytes(second));
        }

        private static long bytes(TileMatrix matrix) {
            return matrix.layout().bytes(matrix.rows());
        }

        void multiply(CudaMatvec matvec, DevicePointer weights, Vectors vectors) {
            TileMatrix at = new TileMatrix(first.layout(), weights, first.rows());
            switch (input) {
                case VECTOR -> matvec.multiply(at, vectors.in, vectors.out);
                case NORMS_GEGLU_AFTER -> matvec.geglu(at, vectors.residual, vectors.gated);
                case NORMS -> {
                    if (second == null) {
                        matvec.multiply(at, vectors.residual, vectors.out);
                    } else {
                        matvec.multiply(at, new TileMatrix(second.layout(), weights.plus(bytes(first)), second.rows()), vectors.residual, vectors.out);
                    }
                }
            }
        }
    }

    private record Vectors(QuantizedVector in, QuantizedVector gated, Planes out, Residual residual) {
        static final int COUNT = 10;

        static Vectors in(DevicePointer memory) {
            DevicePointer[] at = new DevicePointer[COUNT];
            Arrays.setAll(at, i -> memory.plus((long) i * VECTOR_BYTES));
            Residual residual = new Residual(at[4], at[5], new Planes(at[6], at[7]), DevicePointer.NULL, Planes.NONE, DevicePointer.NULL, at[8], 1, at[9], 1e-6f);
            return new Vectors(QuantizedVector.at(at[0], WIDTH), QuantizedVector.at(at[1], WIDTH), new Planes(at[2], at[3]), residual);
        }
    }

    private MatvecRates() {}

    public static void main(String[] arguments) {
        if (CudaDriver.unavailable() != null) {
            System.err.println(CudaDriver.unavailable());
            System.exit(1);
        }
        CudaDevice.initialize();
        try (CudaContext context = new CudaContext(CudaDevice.of(0)); CudaStream stream = new CudaStream(context);
                KernelLibrary kernels = new KernelLibrary(context); CudaBuffer weights = filled(stream, "weights", (byte) 3, WEIGHT_BYTES);
                CudaBuffer vectors = filled(stream, "vectors", (byte) 0, (long) Vectors.COUNT * VECTOR_BYTES)) {
            System.out.println(context.device().name() + System.lineSeparator() + "| matrix | MB | us | range | GB/s |" + System.lineSeparator()
                    + "|---|---:|---:|---:|---:|");
            for (Case of : Case.all()) {
                System.out.println(row(of, new CudaMatvec(kernels, stream), stream, weights, Vectors.in(vectors.pointer())));
            }
        }
    }

    private static CudaBuffer filled(CudaStream stream, String purpose, byte value, long bytes) {
        CudaBuffer buffer = CudaBuffer.allocate(stream.context(), purpose, bytes);
        stream.fill(buffer.pointer(), value, bytes);
        return buffer;
    }

    private static String row(Case of, CudaMatvec matvec, CudaStream stream, CudaBuffer weights, Vectors vectors) {
        int count = Math.clamp(WEIGHT_BYTES / of.bytes(), LEAST_KERNELS, MOST_KERNELS);
        Runnable chain = () -> {
            for (int i = 0; i < count; i++) {
                of.multiply(matvec, weights.pointer().plus(i * of.bytes()), vectors);
            }
        };
        chain.run();
        double[] microseconds = new double[REPETITIONS];
        try (CudaGraph graph = stream.record(chain)) {
            graph.launch(stream);
            for (int i = 0; i < REPETITIONS; i++) {
                stream.synchronize();
                long start = System.nanoTime();
                for (int replay = 0; replay < REPLAYS; replay++) {
                    graph.launch(stream);
                }
                stream.synchronize();
                microseconds[i] = (System.nanoTime() - start) / 1e3 / REPLAYS / count;
            }
        }
        Arrays.sort(microseconds);
        double median = microseconds[REPETITIONS / 2];
        return String.format(Locale.ROOT, "| %s | %.1f | %.2f | %.2f-%.2f | %.0f |", of.name, of.bytes() / 1e6, median, microseconds[0],
                microseconds[REPETITIONS - 1], of.bytes() / median / 1e3);
    }
}
