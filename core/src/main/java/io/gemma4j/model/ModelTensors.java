package io.gemma4j.model;

import io.gemma4j.ModelFormatException;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.gguf.GgufTensor;
import io.gemma4j.tensor.BlockFormat;
import io.gemma4j.tensor.BlockFormats;
import io.gemma4j.tensor.QuantizedTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;

/** The tensors of a file, each checked for type and shape when it is taken. */
record ModelTensors(GgufFile file) {

    boolean has(String name) {
        return file.tensor(name).isPresent();
    }

    QuantizedTensor matrix(String name, long rows, int columns) {
        return take(name, rows, columns, List.of((long) columns, rows));
    }

    QuantizedTensor stack(String name, int count, long rows, int columns) {
        return take(name, count * rows, columns, List.of((long) columns, rows, (long) count));
    }

    QuantizedTensor vector(String name, int elements) {
        return take(name, 1, elements, List.of((long) elements));
    }

    float[] floats(String name, int elements) {
        QuantizedTensor vector = vector(name, elements);
        BlockFormat format = BlockFormats.require(vector.type(), file.metadata().source(), name);
        float[] values = new float[elements];
        format.dequantize(vector.parts().getFirst().bytes(), 0, values, 0, elements);
        return values;
    }

    /** A copy of a vector, multiplied by {@code factor}. */
    QuantizedTensor scaledVector(String name, int elements, double factor) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[elements * Float.BYTES]);
        float[] values = floats(name, elements);
        for (int i = 0; i < elements; i++) {
            bytes.set(ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), (long) i * Float.BYTES,
                    (float) (values[i] * factor));
        }
        return QuantizedTensor.of(name, GgmlType.F32, 1, elements, bytes);
    }

    private QuantizedTensor take(String name, long rows, int columns, List<Long> dimensions) {
        String source = file.metadata().source();
        String subject = "tensor '" + name + "'";
        GgufTensor tensor = file.tensor(name)
                .orElseThrow(() -> new ModelFormatException(source, subject, "dimensions " + dimensions, "no such tensor"));
        if (!tensor.dimensions().equals(dimensions)) {
            throw new ModelFormatException(source, subject, "dimensions " + dimensions, tensor.dimensions().toString());
        }
        BlockFormats.require(tensor.type(), source, name);
        return QuantizedTensor.of(name, tensor.type(), rows, columns, tensor.bytes());
    }
}
