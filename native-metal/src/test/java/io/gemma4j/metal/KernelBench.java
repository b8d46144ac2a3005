package io.gemma4j.metal;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** A device with a stream, and buffers that live as long: what a test of kernels needs. Whoever created it closes it. */
public final class KernelBench implements AutoCloseable {
    final MetalDevice device = MetalDevice.open();
    final KernelLibrary kernels = new KernelLibrary(device);
    final CommandQueue queue = new CommandQueue(device);
    final MetalStream stream = new MetalStream(queue);
    private final List<MetalBuffer> buffers = new ArrayList<>();

    /** Opens the device. */
    public KernelBench() {}

    /** Memory with the given contents. */
    MetalBuffer buffer(float... values) {
        return buffer(MemorySegment.ofArray(values));
    }

    /** Memory with the given contents. */
    MetalBuffer buffer(int... values) {
        return buffer(MemorySegment.ofArray(values));
    }

    /** Memory with the given contents. */
    MetalBuffer buffer(MemorySegment contents) {
        MetalBuffer buffer = zeros(contents.byteSize());
        MemorySegment.copy(contents, 0, buffer.contents(), 0, contents.byteSize());
        return buffer;
    }

    /** Memory of zeros. */
    MetalBuffer zeros(long bytes) {
        MetalBuffer buffer = MetalBuffer.allocate(device, "a test", bytes);
        buffers.add(buffer);
        return buffer;
    }

    /** What is in memory once everything that was queued is done. */
    float[] floats(MetalBuffer buffer) {
        stream.synchronize();
        return buffer.contents().toArray(ValueLayout.JAVA_FLOAT);
    }

    /** Runs a kernel with an output at index 0, an input of the same size at 1 and threadgroup memory at 0. */
    public float[] run(String kernel, float[] in, int threadgroups, int threads, int threadgroupBytes) {
        MetalBuffer out = zeros(in.length * (long) Float.BYTES);
        stream.kernel(kernels.pipeline(kernel)).write(0, out.slice()).read(1, buffer(in).slice()).threadgroupMemory(0, threadgroupBytes)
                .dispatch(Grid.of(threadgroups), threads);
        return floats(out);
    }

    @Override
    public void close() {
        stream.close();
        buffers.forEach(MetalBuffer::close);
        queue.close();
        kernels.close();
        device.close();
    }
}
