package io.gemma4j.metal;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.gemma4j.backend.RopeFrequencies;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Rotary position embedding. Frequencies are kept in turns per position, as 64-bit fractions, since the GPU has no double precision: whole turns then
 * drop out of an integer product. Used by one thread at a time. Whoever created it closes it.
 */
final class MetalRope implements AutoCloseable {
    private static final int THREADS = 64;
    private static final double TWO_TO_32 = 0x1p32;

    private final MetalDevice device;
    private final MetalPipeline ropeHalfSplit;
    private final Map<RopeFrequencies, MetalBuffer> turns = new IdentityHashMap<>();

    MetalRope(MetalDevice device, KernelLibrary kernels) {
        this.device = device;
        ropeHalfSplit = kernels.pipeline("rope_half_split");
    }

    /** Turns the pairs of {@code heads} heads of every row, in place, by the angles of the row's position. */
    void ropeHalfSplit(MetalStream stream, MetalRows x, int heads, RopeFrequencies rope, BufferSlice positions, int rows) {
        int pairs = rope.headDim() / 2;
        stream.kernel(ropeHalfSplit).write(0, x.first(rows)).weight(1, turns(rope)).read(2, positions).put(x.stride()).put(heads).put(rope.headDim())
                .arguments(3).dispatch(Grid.of(Math.ceilDiv(pairs, THREADS), rows), THREADS);
    }

    /** {@code uint2} for each pair: turns per position in units of 2^-32, and of 2^-64. */
    BufferSlice turns(RopeFrequencies rope) {
        return turns.computeIfAbsent(rope, this::table).slice();
    }

    private MetalBuffer table(RopeFrequencies rope) {
        double[] frequencies = rope.inverseFrequencies();
        MetalBuffer table = MetalBuffer.allocate(device, "rotation frequencies", 8L * frequencies.length);
        for (int i = 0; i < frequencies.length; i++) {
            double units = frequencies[i] / (2 * Math.PI) * TWO_TO_32;
            long whole = (long) Math.floor(units);
            table.contents().setAtIndex(JAVA_INT, 2L * i, (int) whole);
            table.contents().setAtIndex(JAVA_INT, 2L * i + 1, (int) (long) ((units - whole) * TWO_TO_32));
        }
        return table;
    }

    @Override
    public void close() {
        turns.values().forEach(MetalBuffer::close);
        turns.clear();
    }
}
