package io.gemma4j.backend.cpu;

import io.gemma4j.backend.cpu.kernel.FloatKernels;
import io.gemma4j.backend.cpu.kernel.Int8Kernel;
import io.gemma4j.backend.cpu.kernel.Int8Row;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Products of activations with quantized matrices. One row of activations: each weight row is unpacked in registers and used once. Several: a
 * few weight rows are unpacked to floats and used for all rows of activations.
 */
final class CpuMatmul {
    // The last tasks of a loop are this small, so that no worker waits long for another.
    private static final long TASK_BYTES = 1 << 13;
    private static final int TILE_ROWS = 4 * FloatKernels.TILE;
    // Which array of a worker's scratch memory.
    private static final int UNPACKED = 0;
    private static final int LANES = 1;

    private final WorkerPool pool;
    private final FloatKernels floats;
    private final WorkerScratch scratch;
    private final List<Int8Row> int8Rows = new ArrayList<>();
    private int[] slots = {};
    private int[] slotEnds = {};

    CpuMatmul(WorkerPool pool, FloatKernels floats) {
        this.pool = pool;
        this.floats = floats;
        scratch = new WorkerScratch(pool.workers(), 2);
    }

    void matmul(CpuWeight weight, CpuActivations in, CpuActivations out, int rows) {
        int outputs = Math.toIntExact(weight.rows());
        if (rows == 1) {
            Int8Row rounded = weight.int8Kernel() == null ? null : rounded(0, in, 0, weight.int8Kernel());
            int taskRows = (int) Math.max(FloatKernels.TILE, TASK_BYTES / weight.rowBytes());
            pool.runRanges(Math.ceilDiv(outputs, taskRows), (firstTask, lastTask, worker) -> {
                int first = firstTask * taskRows;
                int last = Math.min(outputs, lastTask * taskRows);
                dots(weight, first, last, in, 0, rounded, out.data(), out.row(0) + first, worker);
            });
        } else {
            pool.run(Math.ceilDiv(outputs, TILE_ROWS), (task, worker) -> {
                int first = task * TILE_ROWS;
                int count = Math.min(outputs - first, TILE_ROWS);
                float[] unpacked = unpack(weight, first, count, worker);
                for (int row = 0; row < rows; row += FloatKernels.TILE) {
                    int block = Math.min(FloatKernels.TILE, rows - row);
                    products(unpacked, weight.columns(), count, in.data(), in.row(row), in.stride(), block, out.data(), out.row(row) + first,
                            out.stride(), worker);
                }
            });
        }
    }

    /** See {@link io.gemma4j.backend.Operations#expertMatmul}. */
    void expertMatmul(CpuWeight experts, CpuActivations in, boolean inputPerExpert, CpuRouting routing, CpuActivations out, int rows) {
        int outputs = out.width();
        int perRow = routing.expertsPerRow();
        int tiles = Math.ceilDiv(outputs, TILE_ROWS);
        int expertCount = Math.toIntExact(experts.rows() / outputs);
        sortByExpert(routing, rows * perRow, expertCount);
        Int8Kernel int8 = rows == 1 ? experts.int8Kernel() : null;
        for (int i = 0; int8 != null && i < (inputPerExpert ? perRow : 1); i++) {
            rounded(i, in, i, int8);
        }
        pool.run(expertCount * tiles, (task, worker) -> {
            int expert = task / tiles;
            int from = expert == 0 ? 0 : slotEnds[expert - 1];
            int to = slotEnds[expert];
            if (from == to) {
                return;
            }
            int first = task % tiles * TILE_ROWS;
            int count = Math.min(outputs - first, TILE_ROWS);
            long weightRow = (long) expert * outputs + first;
            float[] unpacked = to - from > 1 ? unpack(experts, weightRow, count, worker) : null;
            for (int i = from; i < to; i++) {
                int slot = slots[i];
                int row = inputPerExpert ? slot : slot / perRow;
                if (unpacked == null) {
                    dots(experts, weightRow, weightRow + count, in, row, int8 == null ? null : int8Rows.get(row), out.data(),
                            out.row(slot) + first, worker);
                } else {
                    products(unpacked, experts.columns(), count, in.data(), in.row(row), in.stride(), 1, out.data(), out.row(slot) + first,
                            out.stride(), worker);
                }
            }
        });
    }

    // Those of expert e are slots[slotEnds[e - 1]] .. slots[slotEnds[e] - 1].
    private void sortByExpert(CpuRouting routing, int slotCount, int expertCount) {
        if (slots.length < slotCount) {
            slots = new int[slotCount];
        }
        if (slotEnds.length < expertCount) {
            slotEnds = new int[expertCount];
        }
        Arrays.fill(slotEnds, 0, expertCount, 0);
        for (int slot = 0; slot < slotCount; slot++) {
            slotEnds[routing.experts()[slot]]++;
        }
        // Counts become starts, and each start moves to its end as the slots are put in place.
        int start = 0;
        for (int expert = 0; expert < expertCount; expert++) {
            int count = slotEnds[expert];
            slotEnds[expert] = start;
            start += count;
        }
        for (int slot = 0; slot < slotCount; slot++) {
            slots[slotEnds[routing.experts()[slot]]++] = slot;
        }
    }

    // The activations are used as they are where there is no rounded form of them.
    private void dots(CpuWeight weight, long firstRow, long lastRow, CpuActivations in, int inRow, Int8Row rounded, float[] out, int outOffset,
            int worker) {
        if (rounded == null) {
            for (long row = firstRow; row < lastRow; row++) {
                out[outOffset + (int) (row - firstRow)] =
                        weight.kernel().dot(weight.bytes(row), weight.offset(row), in.data(), in.row(inRow), weight.columns());
            }
            return;
        }
        long row = firstRow;
        while (row < lastRow) {
            int count = (int) Math.min(lastRow - row, weight.contiguousRows(row));
            weight.int8Kernel().dots(weight.bytes(row), weight.offset(row), weight.rowBytes(), count, rounded, weight.columns(), out,
                    outOffset + (int) (row - firstRow), scratch.floats(worker, LANES, Int8Kernel.SCRATCH));
            row += count;
        }
    }

    private Int8Row rounded(int index, CpuActivations in, int row, Int8Kernel kernel) {
        while (int8Rows.size() <= index) {
            int8Rows.add(new Int8Row(in.width()));
        }
        if (int8Rows.get(index).columns() < in.width()) {
            int8Rows.set(index, new Int8Row(in.width()));
        }
        Int8Row rounded = int8Rows.get(index);
        rounded.quantize(in.data(), in.row(row), in.width(), kernel.group(), floats);
        kernel.arrange(rounded, in.width());
        return rounded;
    }

    private float[] unpack(CpuWeight weight, long firstRow, int count, int worker) {
        int columns = weight.columns();
        float[] unpacked = scratch.floats(worker, UNPACKED, count * columns);
        for (int i = 0; i < count; i++) {
            MemorySegment bytes = weight.bytes(firstRow + i);
            weight.kernel().dequantize(bytes, weight.offset(firstRow + i), unpacked, i * columns, columns);
        }
        return unpacked;
    }

    private void products(float[] w, int columns, int wRows, float[] x, int xOffset, int xStride, int xRows, float[] out, int outOffset,
            int outStride, int worker) {
        float[] lanes = scratch.floats(worker, LANES, FloatKernels.SCRATCH);
        for (int n = 0; n < wRows; n += FloatKernels.TILE) {
            floats.matmulTile(x, xOffset, xStride, xRows, w, n * columns, columns, Math.min(FloatKernels.TILE, wRows - n), columns, out,
                    outOffset + n, outStride, lanes);
        }
    }
}
