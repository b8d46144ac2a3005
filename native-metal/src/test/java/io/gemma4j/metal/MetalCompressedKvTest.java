package io.gemma4j.metal;

import static io.gemma4j.metal.Closeness.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gemma4j.KvType;
import io.gemma4j.backend.HeadRotation;
import io.gemma4j.backend.RopeFrequencies;
import io.gemma4j.metal.KernelBench.Run;
import io.gemma4j.metal.fake.MetalDriver;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What is stored in compressed caches, against the scalar code that defines them: bit for bit. */
@ExtendWith(MetalDriver.class)
class MetalCompressedKvTest {
    private static final KvType[] TYPES = {KvType.Q8_0, KvType.TQ4};

    /** Stores rows of a magnitude; a head of zeros and one that is mostly zeros are among them. */
    static void store(Run run, KvType type, int kvHeads, int headDim, double magnitude, int... positions) {
        try (KernelBench bench = KernelBench.open(run, headDim + kvHeads)) {
            int slots = 1 + Arrays.stream(positions).max().orElseThrow();
            MetalKvSlots cache = CompressedKv.empty(bench, type, kvHeads, headDim, slots, 64);
            int width = kvHeads * headDim;
            float[] keys = heads(bench, positions.length * width, magnitude);
            float[] values = heads(bench, positions.length * width, magnitude);
            Arrays.fill(values, 0, headDim, 0);
            Arrays.fill(keys, 3, headDim, 0);
            // Rows of a wider matrix.
            MetalRows keyRows = new MetalRows(bench.rows(wider(keys, width), width + 4).bytes(), width, width + 4);
            bench.closing(new MetalAttention(bench.device, bench.kernels)).kvUpdate(bench.stream, keyRows, bench.rows(values, width),
                    bench.ints(positions), cache, positions.length);
            bench.stream.synchronize();
            for (int row = 0; row < positions.length; row++) {
                String what = run + " " + type + ", " + kvHeads + " heads of " + headDim + ", magnitude " + magnitude + ", row " + row;
                check(cache.keys(), cache, Arrays.copyOfRange(keys, row * width, (row + 1) * width), positions[row], true, "keys, " + what);
                check(cache.values(), cache, Arrays.copyOfRange(values, row * width, (row + 1) * width), positions[row], false, "values, " + what);
            }
        }
    }

    private static void check(BufferSlice found, MetalKvSlots cache, float[] heads, int position, boolean keys, String what) {
        float[] turned = CompressedKv.turned(heads, cache.headDim(), cache.type());
        byte[] codes = CompressedKv.codes(turned, cache.headDim(), cache.type());
        assertArrayEquals(codes, CompressedKv.slot(found, position % cache.slots(), codes.length), what);
        if (cache.tail() != null) {
            BufferSlice tail = keys ? cache.tail().keys() : cache.tail().values();
            assertArrayEquals(CompressedKv.halves(turned), CompressedKv.tailSlot(tail, position % cache.tail().slots(), turned.length), what + ", tail");
        }
    }

    private static float[] heads(KernelBench bench, int count, double magnitude) {
        float[] x = bench.gaussians(count);
        for (int i = 0; i < count; i++) {
            x[i] *= (float) magnitude;
        }
        return x;
    }

    private static float[] wider(float[] x, int width) {
        float[] wide = new float[x.length / width * (width + 4)];
        for (int row = 0; row < x.length / width; row++) {
            System.arraycopy(x, row * width, wide, row * (width + 4), width);
        }
        return wide;
    }

    @Test
    void theBytesOfACacheAreThoseOfTheScalarCode() {
        for (Run run : Run.all()) {
            for (KvType type : TYPES) {
                store(run, type, 3, 96, 1, 62, 63, 64);
                store(run, type, 1, 256, 1e-3, 5);
            }
        }
        Random random = new Random(9);
        for (int headDim : new int[] {32, 64, 128, 160, 224, 288, 480, 512}) {
            for (KvType type : TYPES) {
                int position = random.nextInt(200);
                store(Run.RANDOM, type, 1 + random.nextInt(3), headDim, Math.pow(10, random.nextInt(-5, 4)), position, position + 1);
            }
        }
    }

    @Test
    void halvesOfAScaleRoundToEvenCodesAsTheyDoInJava() {
        try (KernelBench bench = KernelBench.open(Run.FIFO, 1)) {
            // A scale of 1: the largest is 127, the others are whole numbers and a half.
            float[] x = new float[64];
            for (int i = 0; i < 64; i++) {
                x[i] = i % 32 == 0 ? 127 : i - 32.5f;
            }
            MetalKvSlots cache = CompressedKv.empty(bench, KvType.Q8_0, 1, 64, 1, 0);
            bench.closing(new MetalAttention(bench.device, bench.kernels)).kvUpdate(bench.stream, bench.rows(x, 64), bench.rows(x, 64), bench.ints(0), cache, 1);
            bench.stream.synchronize();
            check(cache.keys(), cache, x, 0, true, "halves");
        }
    }

    @Test
    void aHeadThatIsNotANumberIsNoneWhenItIsRead() {
        for (KvType type : TYPES) {
            try (KernelBench bench = KernelBench.open(Run.FIFO, 1)) {
                float[] x = bench.gaussians(64);
                x[40] = Float.NaN;
                MetalKvSlots cache = CompressedKv.empty(bench, type, 1, 64, 1, 64);
                bench.closing(new MetalAttention(bench.device, bench.kernels)).kvUpdate(bench.stream, bench.rows(x, 64), bench.rows(x, 64), bench.ints(0),
                        cache, 1);
                bench.stream.synchronize();
                float[] read = CompressedKv.values(CompressedKv.slot(cache.keys(), 0, type.headBytes(64)), 64, type);
                boolean finite = true;
                for (int i = 32; i < 64; i++) {
                    finite &= Float.isFinite(read[i]);
                }
                assertFalse(finite, type + ": " + Arrays.toString(read));
            }
        }
    }

    /** Rotates heads into other rows, and takes that back. */
    static void rotate(Run run, int heads, int headDim, int rows) {
        try (KernelBench bench = KernelBench.open(run, headDim)) {
            int width = heads * headDim;
            float[] x = bench.gaussians(rows * width);
            MetalHeadRotation rotation = new MetalHeadRotation(bench.kernels);
            MetalRows out = bench.empty(rows, width);
            rotation.rotate(bench.stream, bench.rows(x, width), heads, headDim, out, rows);
            float[] expected = CompressedKv.turned(x, headDim, KvType.TQ4);
            assertArrayEquals(expected, bench.result(out.bytes()), run + ", heads of " + headDim);
            rotation.restore(bench.stream, out, heads, headDim, rows);
            for (int at = 0; at < expected.length; at += headDim) {
                HeadRotation.restore(expected, at, headDim);
            }
            assertArrayEquals(expected, bench.result(out.bytes()), run + ", heads of " + headDim + ", restored");
        }
    }

    @Test
    void rotatedHeadsHaveTheBitsOfTheScalarCode() {
        for (Run run : Run.all()) {
            rotate(run, 3, 64, 2);
        }
        for (int headDim : new int[] {32, 96, 160, 256, 352, 512}) {
            rotate(Run.RANDOM, 1, headDim, 1);
        }
    }

    @Test
    void onePassStoresWhatTheSeparateOperationsDo() {
        for (Run run : Run.all()) {
            for (KvType type : TYPES) {
                inputs(run, type, 64, false);
            }
        }
        inputs(Run.LIFO, KvType.TQ4, 512, true);
        inputs(Run.LIFO, KvType.Q8_0, 256, true);
    }

    /** Norms, rotation and cache of two rows of queries, keys and values in one pass, and in the separate ones. */
    static void inputs(Run run, KvType type, int headDim, boolean valuesAreKeys) {
        try (KernelBench bench = KernelBench.open(run, 4)) {
            int heads = 2;
            int kvHeads = 2;
            int rows = 2;
            int width = kvHeads * headDim;
            BufferSlice positions = bench.ints(64, 65);
            RopeFrequencies frequencies = RopeFrequencies.of(headDim, 1e4, null);
            BufferSlice queryNorm = bench.floats(bench.gaussians(headDim));
            BufferSlice keyNorm = bench.floats(bench.gaussians(headDim));
            float[] queries = bench.gaussians(rows * width);
            float[] keys = bench.gaussians(rows * width);
            float[] values = valuesAreKeys ? keys : bench.gaussians(rows * width);
            MetalNorm norm = new MetalNorm(bench.kernels);
            MetalRope rope = bench.closing(new MetalRope(bench.device, bench.kernels));
            MetalAttention attention = bench.closing(new MetalAttention(bench.device, bench.kernels));

            MetalKvSlots onePass = CompressedKv.empty(bench, type, kvHeads, headDim, 66, 64);
            MetalRows q = bench.rows(queries, width);
            MetalRows k = bench.rows(keys, width);
            MetalRows v = valuesAreKeys ? k : bench.rows(values, width);
            attention.inputs(bench.stream, new MetalAttention.Inputs(queryNorm, keyNorm, rope.turns(frequencies), 1e-4f), q, k, v, positions, heads, onePass,
                    rows);

            MetalKvSlots separate = CompressedKv.empty(bench, type, kvHeads, headDim, 66, 64);
            MetalRows q2 = bench.rows(queries, width);
            MetalRows k2 = bench.rows(keys, width);
            MetalRows v2 = bench.rows(values, width);
            norm.rmsNorm(bench.stream, q2, queryNorm, heads, 1e-4f, q2, rows);
            rope.ropeHalfSplit(bench.stream, q2, heads, frequencies, positions, rows);
            norm.rmsNorm(bench.stream, v2, null, kvHeads, 1e-4f, v2, rows);
            norm.rmsNorm(bench.stream, k2, keyNorm, kvHeads, 1e-4f, k2, rows);
            rope.ropeHalfSplit(bench.stream, k2, kvHeads, frequencies, positions, rows);
            attention.kvUpdate(bench.stream, k2, v2, positions, separate, rows);
            String what = run + " " + type + ", heads of " + headDim;
            assertNear(bench.result(q2.bytes()), bench.result(q.bytes()), 1e-6, what + ", queries");
            for (int position = 64; position < 66; position++) {
                long slotBytes = kvHeads * type.headBytes(headDim);
                // Sums of squares in another order: now and then the next code.
                for (int side = 0; side < 2; side++) {
                    byte[] expected = CompressedKv.slot(side == 0 ? separate.keys() : separate.values(), position, slotBytes);
                    byte[] found = CompressedKv.slot(side == 0 ? onePass.keys() : onePass.values(), position, slotBytes);
                    assertNear(CompressedKv.values(expected, headDim, type), CompressedKv.values(found, headDim, type), type == KvType.TQ4 ? 2e-2 : 2e-3,
                            what);
                    if (type == KvType.TQ4) {
                        BufferSlice tail = side == 0 ? separate.tail().keys() : separate.tail().values();
                        BufferSlice foundTail = side == 0 ? onePass.tail().keys() : onePass.tail().values();
                        assertNear(CompressedKv.tailSlot(tail, position % 64, width), CompressedKv.tailSlot(foundTail, position % 64, width), 1e-3,
                                what + ", tail");
                    }
                }
            }
        }
    }

    private static void assertNear(float[] expected, float[] found, double tolerance, String what) {
        double[] wanted = new double[expected.length];
        Arrays.setAll(wanted, i -> expected[i]);
        assertClose(wanted, found, tolerance, what);
    }

    @Test
    void cachesThatNoKernelReadsAreRefused() {
        try (KernelBench bench = KernelBench.open(Run.FIFO, 1)) {
            BufferSlice slots = bench.floats(new float[64]);
            assertThrows(IllegalArgumentException.class, () -> new MetalKvSlots(slots, slots, KvType.Q8_0, 1, 40, 1));
            assertThrows(IllegalArgumentException.class, () -> new MetalKvSlots(slots, slots, KvType.Q8_0, 1, 544, 1));
            assertThrows(IllegalArgumentException.class, () -> new MetalKvSlots(slots, slots, KvType.TQ4, 1, 64, 1));
            MetalKvSlots.Tail tail = new MetalKvSlots.Tail(slots, slots, 64);
            assertThrows(IllegalArgumentException.class, () -> new MetalKvSlots(slots, slots, KvType.Q8_0, 1, 64, 1, tail));
        }
    }
}
