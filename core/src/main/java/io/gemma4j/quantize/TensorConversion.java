package io.gemma4j.quantize;

import io.gemma4j.ModelFormatException;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.gguf.GgufTensor;
import io.gemma4j.gguf.ParallelContent;
import io.gemma4j.tensor.BlockFormat;
import io.gemma4j.tensor.BlockFormats;
import io.gemma4j.tensor.BlockQuantizer;
import io.gemma4j.tensor.BlockQuantizers;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * Reads the blocks of a tensor and writes them in another type. Thread-safe.
 *
 * @param source the file the tensor stands in
 * @param tensor what is read
 * @param format how it is read
 * @param quantizer how it is written
 */
record TensorConversion(String source, GgufTensor tensor, BlockFormat format, BlockQuantizer quantizer) implements ParallelContent.Blocks {
    /** Elements that are floats at a time: a multiple of every block size. */
    private static final int SLICE_ELEMENTS = 8192;

    /**
     * Prepares a conversion.
     *
     * @throws ModelFormatException if the tensor's type cannot be read, naming both
     */
    static TensorConversion of(String source, GgufTensor tensor, GgmlType target) {
        return new TensorConversion(source, tensor, BlockFormats.require(tensor.type(), source, tensor.name()), BlockQuantizers.of(target).orElseThrow());
    }

    @Override
    public void fill(long firstBlock, ByteBuffer buffer) {
        MemorySegment out = MemorySegment.ofBuffer(buffer);
        GgmlType target = quantizer.type();
        float[] values = new float[SLICE_ELEMENTS];
        long element = firstBlock * target.blockElements();
        for (long at = 0; at < out.byteSize();) {
            int elements = (int) Math.min(SLICE_ELEMENTS, (out.byteSize() - at) / target.blockBytes() * target.blockElements());
            format.dequantize(tensor.bytes(), tensor.type().rowBytes(element), values, 0, elements);
            int refused = quantizer.findRefused(values, 0, elements);
            if (refused >= 0) {
                throw new ModelFormatException(source, "tensor '" + tensor.name() + "', element " + (element + refused),
                        "a number of magnitude " + quantizer.greatest() + " at most, to be stored as " + target, String.valueOf(values[refused]));
            }
            quantizer.quantize(values, 0, out, at, elements);
            at += target.rowBytes(elements);
            element += elements;
        }
    }
}
