package io.gemma4j.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.cuda.CudaKernel.Grid;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@Gpu
class CudaKernelTest {
    private static final int COUNT = 1001;
    private static final int THREADS = 128;

    private final Arena arena = Arena.ofConfined();
    private CudaContext context;
    private CudaStream stream;
    private CudaModule module;
    private CudaBuffer x;
    private CudaBuffer y;

    @BeforeEach
    void open() {
        context = new CudaContext(CudaDevice.of(0));
        stream = new CudaStream(context);
        module = new CudaModule(context, "test", Ptx.MODULE);
        x = CudaBuffer.allocate(context, "x", COUNT * 4L);
        y = CudaBuffer.allocate(context, "y", COUNT * 4L);
    }

    @AfterEach
    void close() {
        y.close();
        x.close();
        module.close();
        stream.close();
        context.close();
        arena.close();
    }

    private float[] random(long seed) {
        float[] values = new float[COUNT];
        Random random = new Random(seed);
        for (int i = 0; i < COUNT; i++) {
            values[i] = random.nextFloat() - 0.5f;
        }
        return values;
    }

    private void upload(float[] values, CudaBuffer to) {
        stream.upload(arena.allocateFrom(JAVA_FLOAT, values), to.pointer());
    }

    private float[] download(CudaBuffer from) {
        MemorySegment values = arena.allocate(COUNT * 4L);
        stream.download(from.pointer(), values);
        stream.synchronize();
        return values.toArray(JAVA_FLOAT);
    }

    private void axpy(float a) {
        module.kernel("axpy").pointer(y.pointer()).pointer(x.pointer()).float32(a).int32(COUNT)
                .launch(stream, Grid.of(Math.ceilDiv(COUNT, THREADS)), THREADS, 0);
    }

    private static float[] axpy(float[] y, float[] x, float a) {
        float[] sums = new float[COUNT];
        for (int i = 0; i < COUNT; i++) {
            sums[i] = Math.fma(a, x[i], y[i]);
        }
        return sums;
    }

    @Test
    void kernelGetsItsArguments() {
        float[] first = random(1);
        float[] second = random(2);
        upload(first, x);
        upload(second, y);
        axpy(1.5f);
        axpy(-0.25f);
        assertArrayEquals(axpy(axpy(second, first, 1.5f), first, -0.25f), download(y));
    }

    @Test
    void sixtyFourBitsArriveWhole() {
        module.kernel("wide").pointer(y.pointer()).int64(0x123456789abcdef0L).launch(stream, Grid.of(1), 1, 0);
        MemorySegment out = arena.allocate(JAVA_LONG);
        stream.download(y.pointer(), out);
        stream.synchronize();
        assertEquals(0x123456789abcdef0L, out.get(JAVA_LONG, 0));
    }

    @Test
    void graphRunsAsOftenAsItIsLaunched() {
        float[] first = random(3);
        float[] second = random(4);
        upload(first, x);
        upload(second, y);
        try (CudaGraph graph = stream.record(() -> {
            axpy(0.5f);
            axpy(2);
        })) {
            assertArrayEquals(second, download(y), "recording runs nothing");
            graph.upload(stream);
            float[] expected = second;
            for (int i = 0; i < 3; i++) {
                graph.launch(stream);
                expected = axpy(axpy(expected, first, 0.5f), first, 2);
            }
            assertArrayEquals(expected, download(y));
        }
    }

    @Test
    void failureWhileRecordingLeavesTheStreamUsable() {
        assertThrows(ArithmeticException.class, () -> stream.record(() -> {
            axpy(1);
            throw new ArithmeticException();
        }));
        upload(random(5), x);
        assertArrayEquals(random(5), download(x));
    }

    @Test
    void argumentsThatDoNotFitTheKernelAreRefused() {
        CudaKernel kernel = module.kernel("axpy");
        assertTrue(assertThrows(IllegalArgumentException.class, () -> kernel.pointer(y.pointer()).int32(3)).getMessage().contains("'axpy'"));
        assertThrows(IllegalStateException.class, () -> kernel.pointer(y.pointer()).launch(stream, Grid.of(1), 1, 0));
        kernel.pointer(y.pointer()).pointer(x.pointer()).float32(1).int32(COUNT);
        assertThrows(IllegalArgumentException.class, () -> kernel.int32(5));
    }

    @Test
    void unknownKernelAndBrokenImageAreNamed() {
        assertTrue(assertThrows(CudaException.class, () -> module.kernel("nothing")).getMessage().contains("'nothing' in 'test'"));
        byte[] broken = "no kernels".getBytes(StandardCharsets.US_ASCII);
        CudaException e = assertThrows(CudaException.class, () -> new CudaModule(context, "broken", broken).close());
        assertTrue(e.getMessage().contains("'broken'") && e.getMessage().contains("CUDA_ERROR_"), e.getMessage());
    }

    @Test
    void streamWaitsForTheEventOfAnother() {
        float[] first = random(6);
        upload(first, x);
        upload(new float[COUNT], y);
        try (CudaStream other = new CudaStream(context); CudaEvent added = new CudaEvent(context)) {
            for (int i = 0; i < 200; i++) {
                axpy(1);
            }
            added.record(stream);
            other.waitFor(added);
            MemorySegment values = arena.allocate(COUNT * 4L);
            other.download(y.pointer(), values);
            other.synchronize();
            float[] expected = new float[COUNT];
            for (int i = 0; i < 200; i++) {
                expected = axpy(expected, first, 1);
            }
            assertArrayEquals(expected, values.toArray(JAVA_FLOAT));
        }
    }
}
