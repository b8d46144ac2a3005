package io.gemma4j.metal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gemma4j.metal.fake.MetalDriver;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(MetalDriver.class)
class MetalStreamTest {
    private static final int COUNT = 1000;
    private static final int THREADS = 64;

    private MetalDevice device;
    private KernelLibrary kernels;
    private CommandQueue queue;
    private MetalStream stream;

    @BeforeEach
    void open() {
        device = MetalDevice.open();
        kernels = new KernelLibrary(device);
        queue = new CommandQueue(device);
        stream = new MetalStream(queue);
    }

    @AfterEach
    void close() {
        stream.close();
        queue.close();
        kernels.close();
        device.close();
    }

    private MetalBuffer floats(IntToDoubleFunction values) {
        MetalBuffer buffer = MetalBuffer.allocate(device, "test values", COUNT * Float.BYTES);
        for (int i = 0; i < COUNT; i++) {
            buffer.contents().setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) values.applyAsDouble(i));
        }
        return buffer;
    }

    private MetalPipeline kernel(float factor) {
        return kernels.pipeline("scaled_sum", FunctionConstants.NONE.with(0, factor));
    }

    private void scaledSum(MetalPipeline kernel, float scale, MetalBuffer x, MetalBuffer y) {
        stream.kernel(kernel).read(0, x.slice()).write(1, y.slice()).put(COUNT).put(scale).arguments(2)
                .dispatch(Grid.of(Math.ceilDiv(COUNT, THREADS)), THREADS);
    }

    private static float[] values(MetalBuffer buffer) {
        return buffer.contents().toArray(ValueLayout.JAVA_FLOAT);
    }

    private static float[] expected(IntToDoubleFunction values) {
        float[] all = new float[COUNT];
        for (int i = 0; i < COUNT; i++) {
            all[i] = (float) values.applyAsDouble(i);
        }
        return all;
    }

    @Test
    void aKernelComputesWithItsConstantsArgumentsAndBuffers() {
        try (MetalBuffer x = floats(i -> i); MetalBuffer y = floats(i -> 1)) {
            scaledSum(kernel(2), 3, x, y);
            stream.synchronize();
            assertArrayEquals(expected(i -> 6.0 * i + 1), values(y));
        }
    }

    @Test
    void kernelsWithOtherConstantsAreOthers() {
        try (MetalBuffer x = floats(i -> 1); MetalBuffer y = floats(i -> 0)) {
            scaledSum(kernel(1), 1, x, y);
            scaledSum(kernel(10), 1, x, y);
            stream.synchronize();
            assertArrayEquals(expected(i -> 11), values(y));
        }
    }

    @Test
    void aDispatchSeesWhatTheOneBeforeItWrote() {
        try (MetalBuffer x = floats(i -> 1); MetalBuffer y = floats(i -> 0); MetalBuffer z = floats(i -> 0)) {
            MetalPipeline kernel = kernel(2);
            scaledSum(kernel, 1, x, y);
            scaledSum(kernel, 1, y, z);
            stream.synchronize();
            assertArrayEquals(expected(i -> 4), values(z));
        }
    }

    @Test
    void aDispatchDoesNotWriteWhatTheOneBeforeItStillReads() {
        try (MetalBuffer x = floats(i -> 1); MetalBuffer y = floats(i -> 0); MetalBuffer z = floats(i -> 5)) {
            MetalPipeline kernel = kernel(1);
            scaledSum(kernel, 1, x, y);
            scaledSum(kernel, 1, z, x);
            stream.synchronize();
            assertArrayEquals(expected(i -> 1), values(y));
            assertArrayEquals(expected(i -> 6), values(x));
        }
    }

    @Test
    void stepsThatAreInFlightTogetherRunInOrder() {
        try (MetalBuffer x = floats(i -> 1); MetalBuffer y = floats(i -> 0)) {
            MetalPipeline kernel = kernel(1);
            long last = 0;
            for (int step = 0; step < 7; step++) {
                scaledSum(kernel, 1, x, y);
                last = stream.commit();
            }
            stream.await(last);
            assertEquals(7, last);
            assertArrayEquals(expected(i -> 7), values(y));
        }
    }

    @Test
    void aPartOfABufferIsBoundWithItsOffset() {
        try (MetalBuffer x = floats(i -> i); MetalBuffer y = floats(i -> 0)) {
            int skipped = 100;
            MetalPipeline kernel = kernel(1);
            int count = 50;
            for (int part = 0; part < 2; part++) {
                long offset = (long) (skipped + part * count) * Float.BYTES;
                stream.kernel(kernel).read(0, x.slice().from(offset, count * Float.BYTES)).write(1, y.slice().from(offset, count * Float.BYTES)).put(count)
                        .put(1f).arguments(2).dispatch(Grid.of(1), THREADS);
            }
            stream.synchronize();
            assertArrayEquals(expected(i -> i >= skipped && i < skipped + 2 * count ? i : 0), values(y));
        }
    }

    @Test
    void aSourceThatDoesNotCompileIsReportedWithTheCompilersText() {
        MetalException failure = assertThrows(MetalException.class,
                () -> KernelCompiler.compile(device.handle(), "broken", "kernel void k(device float * o [[buffer(0)]]) { o[0] = nothing; }"));
        assertTrue(failure.getMessage().contains("broken") && failure.getMessage().contains("nothing"), failure.getMessage());
    }

    @Test
    void aKernelThatDoesNotExistIsNamed() {
        MetalException failure = assertThrows(MetalException.class, () -> kernels.pipeline("no_such_kernel"));
        assertTrue(failure.getMessage().contains("no_such_kernel"), failure.getMessage());
    }

    @Test
    void moreThreadsThanTheKernelAllowsAreRefused() {
        MetalDriver.fake().set("maxPipelineThreads", 384);
        MetalPipeline kernel = kernel(1);
        assertEquals(384, kernel.maxThreads());
        stream.kernel(kernel);
        assertThrows(IllegalArgumentException.class, () -> stream.dispatch(Grid.of(1), 385));
    }

    @Test
    void aFailureOnTheGpuIsReportedWithTheSystemsText() {
        MetalDriver.fake();
        try (MetalBuffer x = floats(i -> 1)) {
            stream.kernel(kernel(1)).read(0, x.slice()).put(COUNT).put(1f).arguments(2).dispatch(Grid.of(1), THREADS);
            MetalException failure = assertThrows(MetalException.class, stream::synchronize);
            assertTrue(failure.getMessage().contains("no buffer is bound at index 1"), failure.getMessage());
            assertEquals(1, MetalDriver.fake().takeProblems().size());
        }
    }

    @Test
    void whatIsDiscardedDoesNotRun() {
        try (MetalBuffer x = floats(i -> 1); MetalBuffer y = floats(i -> 0)) {
            scaledSum(kernel(1), 1, x, y);
            stream.discard();
            stream.synchronize();
            float[] zeros = new float[COUNT];
            Arrays.fill(zeros, 0);
            assertArrayEquals(zeros, values(y));
        }
    }
}
