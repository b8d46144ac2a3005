package io.gemma4j.metal;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.gemma4j.metal.fake.FakeMetal;
import io.gemma4j.metal.fake.MetalDriver;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** A device to run single kernels on, and memory for them. Closing it closes all of that. */
final class KernelBench implements AutoCloseable {
    final Random random;
    final MetalDevice device = MetalDevice.open();
    final KernelLibrary kernels = new KernelLibrary(device);
    final CommandQueue queue = new CommandQueue(device);
    final MetalStream stream = new MetalStream(queue);
    private final List<AutoCloseable> opened = new ArrayList<>(List.of(device, kernels, queue, stream));

    /** How threads run: in one of three orders, or with every access to memory checked. A real device has its own way. */
    enum Run {
        FIFO,
        LIFO,
        RANDOM,
        CHECKED;

        static Run[] all() {
            return MetalDriver.isReal() ? new Run[] {FIFO} : values();
        }
    }

    private KernelBench(long seed) {
        random = new Random(seed);
    }

    /** Opens a bench on which kernels run in one of the ways. */
    static KernelBench open(Run run, long seed) {
        if (!MetalDriver.isReal()) {
            FakeMetal fake = MetalDriver.fake();
            fake.setChecked(run == Run.CHECKED);
            fake.setSchedule(switch (run) {
                case FIFO, CHECKED -> FakeMetal.Schedule.FIFO;
                case LIFO -> FakeMetal.Schedule.LIFO;
                case RANDOM -> FakeMetal.Schedule.RANDOM;
            }, seed);
        }
        return new KernelBench(seed);
    }

    /** Has something closed with the bench. */
    <T extends AutoCloseable> T closing(T resource) {
        opened.add(resource);
        return resource;
    }

    MetalBuffer buffer(long bytes) {
        return closing(MetalBuffer.allocate(device, "test values", bytes));
    }

    /** Rows of numbers that nobody expects, until a kernel writes them. */
    MetalRows empty(int rows, int width) {
        float[] values = new float[rows * width];
        Arrays.fill(values, Float.NaN);
        return rows(values, width);
    }

    MetalRows rows(float[] values, int width) {
        return new MetalRows(floats(values), width, width);
    }

    BufferSlice floats(float... values) {
        MetalBuffer buffer = buffer((long) values.length * Float.BYTES);
        MemorySegment.copy(values, 0, buffer.contents(), JAVA_FLOAT, 0, values.length);
        return buffer.slice();
    }

    BufferSlice ints(int... values) {
        MetalBuffer buffer = buffer((long) values.length * Integer.BYTES);
        MemorySegment.copy(values, 0, buffer.contents(), JAVA_INT, 0, values.length);
        return buffer.slice();
    }

    MetalMatrix matrix(RandomMatrix values) {
        MetalBuffer buffer = buffer(values.bytes().length);
        MemorySegment.copy(MemorySegment.ofArray(values.bytes()), 0, buffer.contents(), 0, values.bytes().length);
        return new MetalMatrix("random", buffer.slice(), values.type(), values.rows(), values.columns());
    }

    float[] gaussians(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** Runs what is queued and returns what is in memory then. */
    float[] result(BufferSlice slice) {
        stream.synchronize();
        return slice.contents().toArray(JAVA_FLOAT);
    }

    int[] resultInts(BufferSlice slice) {
        stream.synchronize();
        return slice.contents().toArray(JAVA_INT);
    }

    @Override
    public void close() {
        for (AutoCloseable resource : opened.reversed()) {
            try {
                resource.close();
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
