package io.gemma4j.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.KvType;
import io.gemma4j.backend.Activations;
import io.gemma4j.backend.HeadQ8_0;
import io.gemma4j.backend.HeadRotation;
import io.gemma4j.backend.HeadTQ4;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.KvLayerLayout;
import io.gemma4j.backend.Step;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What compressed key/value caches hold, bit by bit, and attention over them against the scalar one, on both sides of every border. */
@Gpu
class CompressedCacheTest {
    private static final int MAX_STEP_ROWS = 64;
    private static final int[] CONTEXTS = {1, 63, 64, 65, 127, 128, 191, 192, 193, 255, 1000, 4096};
    /** Keys, values and queries rounded to 11 bits. */
    private static final double BOUND = 2e-3;

    @RegisterExtension
    static final BothSides SIDES = new BothSides();

    /** A type and the size of its heads. */
    private record Case(KvType type, int headDim) {

        static Stream<Case> all() {
            return Stream.of(KvType.Q8_0, KvType.TQ4).flatMap(type -> Stream.of(new Case(type, 256), new Case(type, 512)));
        }

        static Stream<DynamicTest> tests(Consumer<Case> test) {
            return all().map(of -> DynamicTest.dynamicTest(of.type + ", heads of " + of.headDim, () -> test.accept(of)));
        }

        KvLayerLayout layout(int kvHeads, int slots) {
            return KvLayerLayout.of(0, kvHeads, headDim, slots, type, MAX_STEP_ROWS);
        }
    }

    @TestFactory
    Stream<DynamicTest> storedBytesAreThoseOfTheHost() {
        return Case.tests(of -> {
            int kvHeads = 3;
            int rows = 37;
            Random random = new Random(of.headDim);
            float[][] keys = magnitudes(rows, kvHeads * of.headDim, random);
            float[][] values = magnitudes(rows, kvHeads * of.headDim, random);
            try (Arena arena = Arena.ofConfined(); CudaContext context = new CudaContext(CudaDevice.of(0)); CudaStream stream = new CudaStream(context);
                    KernelLibrary kernels = new KernelLibrary(context);
                    CudaKvLayer layer = new CudaKvLayer(stream, of.layout(kvHeads, 100), null, closed -> {});
                    KvCache cache = new KvCache(List.of(layer), 1, 100); StepInputs inputs = new StepInputs(context, () -> {});
                    CudaBuffer floats = CudaBuffer.allocate(context, "keys and values", 2L * rows * kvHeads * of.headDim * Float.BYTES)) {
                stream.fill(layer.keys(), (byte) 0x55, layer.bytes());
                cache.append(20);
                Step step = Step.of(cache, new int[rows], Step.LogitRows.NONE);
                inputs.set(step, new TreeSet<>(List.of(0)), stream);
                CudaActivations[] uploaded = new CudaActivations[2];
                for (int i = 0; i < 2; i++) {
                    long bytes = (long) rows * kvHeads * of.headDim * Float.BYTES;
                    MemorySegment from = arena.allocate(bytes, Float.BYTES);
                    for (int row = 0; row < rows; row++) {
                        MemorySegment.copy((i == 0 ? keys : values)[row], 0, from, ValueLayout.JAVA_FLOAT, bytes / rows * row, kvHeads * of.headDim);
                    }
                    uploaded[i] = new CudaActivations(floats.pointer().plus(i * bytes), kvHeads * of.headDim, rows, kvHeads * of.headDim);
                    stream.upload(from, uploaded[i].start());
                }
                CompressedAttention attention = new CompressedAttention(kernels, stream, new CudaElementwise(kernels, stream), () -> {});
                attention.kvUpdate(uploaded[0], uploaded[1], layer.layout(), step, inputs);
                MemorySegment actual = arena.allocate(layer.bytes(), 16);
                stream.download(layer.keys(), actual);
                stream.synchronize();
                byte[] expected = new byte[Math.toIntExact(layer.bytes())];
                Arrays.fill(expected, (byte) 0x55);
                store(keys, layer.layout(), 20, 0, MemorySegment.ofArray(expected));
                store(values, layer.layout(), 20, 1, MemorySegment.ofArray(expected));
                assertArrayEquals(expected, actual.toArray(ValueLayout.JAVA_BYTE));
            }
        });
    }

    /** Gaussians, some heads far larger or smaller than others, zeros, and numbers too small for a scale of 16 bits. */
    private static float[][] magnitudes(int rows, int width, Random random) {
        float[][] values = RandomTensors.gaussians(rows, width, random);
        for (int row = 0; row < rows; row++) {
            float factor = new float[] {1, 1e-6f, 0, 300, 1e-9f, 0.01f}[row % 6];
            for (int i = 0; i < width; i++) {
                values[row][i] *= i % 96 < 32 ? factor : 1;
            }
        }
        return values;
    }

    /** What the host would have: keys, values, the tail of the keys, that of the values. */
    private static void store(float[][] rows, KvLayerLayout layout, int firstPosition, int half, MemorySegment to) {
        long halfBytes = layout.kvHeads() * layout.slots() * layout.headBytes();
        long tailHalfBytes = layout.kvHeads() * layout.tailSlots() * layout.tailHeadBytes();
        for (int row = 0; row < rows.length; row++) {
            int position = firstPosition + row;
            for (int head = 0; head < layout.kvHeads(); head++) {
                float[] x = Arrays.copyOfRange(rows[row], head * layout.headDim(), (head + 1) * layout.headDim());
                long at = half * halfBytes + ((long) head * layout.slots() + position % layout.slots()) * layout.headBytes();
                if (layout.type() == KvType.Q8_0) {
                    HeadQ8_0.store(x, 0, layout.headDim(), to, at);
                    continue;
                }
                HeadRotation.rotate(x, 0, layout.headDim());
                HeadTQ4.store(x, 0, layout.headDim(), to, at);
                long tailAt = 2 * halfBytes + half * tailHalfBytes
                        + ((long) head * layout.tailSlots() + position % layout.tailSlots()) * layout.tailHeadBytes();
                for (int i = 0; i < x.length; i++) {
                    to.set(ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), tailAt + 2L * i, Float.floatToFloat16(x[i]));
                }
            }
        }
    }

    /** Stores the next rows and lets them attend. */
    private static List<float[]> attend(Side side, List<KvCache> caches, int rows, int heads, Random random) {
        KvLayerLayout layout = caches.getFirst().layer(0).layout();
        int width = layout.kvHeads() * layout.headDim();
        int all = rows * caches.size();
        Step step = Step.of(caches.stream().map(cache -> new Step.Sequence(cache, new int[rows], Step.LogitRows.ALL)).toList());
        caches.forEach(cache -> cache.begin(rows));
        side.backend().kvUpdate(side.put(RandomTensors.gaussians(all, width, random)), side.put(RandomTensors.gaussians(all, width, random)), step, 0);
        float[][] queries = RandomTensors.gaussians(all, heads * layout.headDim(), random);
        for (float[] row : queries) {
            for (int i = 0; i < row.length; i++) {
                row[i] /= 8;
            }
        }
        Activations out = side.backend().allocateActivations(all, heads * layout.headDim());
        side.backend().attention(side.put(queries), step, 0, heads, Integer.MAX_VALUE, out);
        caches.forEach(cache -> cache.append(rows));
        return List.of(side.get(out, all));
    }

    @TestFactory
    Stream<DynamicTest> attentionAtEveryBorder() {
        return Case.tests(of -> {
            // Rows of one run of 64 positions read the same from the tail, however they are put together.
            for (int most : new int[] {1, 5}) {
                SIDES.assertSame("at most " + most + " rows", BOUND, side -> {
                    Random random = new Random(most);
                    List<float[]> all = new ArrayList<>();
                    try (KvCache cache = side.cache(of.layout(2, 4096), 4096)) {
                        for (int context : CONTEXTS) {
                            int rows = Math.min(Math.min(most, context - cache.tokens()), (context - 1) % 64 + 1);
                            side.fill(cache, context - rows, 2 * of.headDim, MAX_STEP_ROWS, random);
                            all.addAll(attend(side, List.of(cache), rows, 6, random));
                        }
                    }
                    return all.toArray(float[][]::new);
                });
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> twoSequencesOfDifferentLength() {
        return Case.tests(of -> SIDES.assertSame("two sequences", BOUND, side -> {
            Random random = new Random(7);
            List<float[]> all = new ArrayList<>();
            try (KvCache shorter = side.cache(of.layout(1, 700), 700); KvCache longer = side.cache(of.layout(1, 1000), 1000)) {
                side.fill(shorter, 70, of.headDim, MAX_STEP_ROWS, random);
                side.fill(longer, 650, of.headDim, MAX_STEP_ROWS, random);
                for (int i = 0; i < 4; i++) {
                    all.addAll(attend(side, List.of(shorter, longer), 3, 8, random));
                }
            }
            return all.toArray(float[][]::new);
        }));
    }

    @TestFactory
    Stream<DynamicTest> rewoundCaches() {
        return Case.tests(of -> {
            // The tail holds 256 positions: some of these leave it all, some a part, some nothing.
            for (int kept : new int[] {999, 940, 800, 768, 500, 64, 3, 0}) {
                SIDES.assertSame("rewound to " + kept, BOUND, side -> {
                    Random random = new Random(kept);
                    List<float[]> all = new ArrayList<>();
                    try (KvCache cache = side.cache(of.layout(2, 1200), 1200)) {
                        side.fill(cache, 1000, 2 * of.headDim, MAX_STEP_ROWS, random);
                        assertTrue(cache.truncate(kept));
                        for (int i = 0; i < 3; i++) {
                            all.addAll(attend(side, List.of(cache), 1, 4, random));
                        }
                        side.fill(cache, (cache.tokens() / 64 + 1) * 64 + 10, 2 * of.headDim, MAX_STEP_ROWS, random);
                        all.addAll(attend(side, List.of(cache), 9, 4, random));
                    }
                    return all.toArray(float[][]::new);
                });
            }
        });
    }
}
