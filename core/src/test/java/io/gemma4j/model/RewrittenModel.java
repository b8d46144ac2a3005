package io.gemma4j.model;

import io.gemma4j.Fixture;
import io.gemma4j.gguf.GgmlType;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.gguf.GgufTensor;
import io.gemma4j.gguf.GgufWriter;
import io.gemma4j.tensor.BlockFormats;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** A fixture's model with other metadata or tensors, written as a GGUF file and read back. */
final class RewrittenModel {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Map<String, Object> metadata;
    private final Map<String, GgufTensor> tensors = new LinkedHashMap<>();

    private RewrittenModel(GgufFile file) {
        metadata = new LinkedHashMap<>(file.metadata().asMap());
        file.tensors().forEach(tensor -> tensors.put(tensor.name(), tensor));
    }

    static RewrittenModel of(String fixture) {
        try {
            return new RewrittenModel(GgufFile.open(Fixture.bundled(fixture).model(), Arena.ofAuto()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Sets a key, or removes it where {@code value} is null. */
    RewrittenModel put(String key, Object value) {
        metadata.compute(key, (_, _) -> value);
        return this;
    }

    RewrittenModel remove(String tensor) {
        tensors.remove(tensor);
        return this;
    }

    GgufTensor tensor(String name) {
        return tensors.get(name);
    }

    RewrittenModel tensor(String name, GgmlType type, List<Long> dimensions, MemorySegment bytes) {
        tensors.put(name, new GgufTensor(name, type, dimensions, bytes));
        return this;
    }

    /** The same numbers stored as 32-bit floats, changed by {@code change}. */
    RewrittenModel asF32(String name, UnaryOperator<float[]> change) {
        return tensor(name, GgmlType.F32, tensors.get(name).dimensions(), bytes(change.apply(values(name))));
    }

    float[] values(String name) {
        GgufTensor tensor = tensors.get(name);
        float[] values = new float[Math.toIntExact(tensor.elements())];
        BlockFormats.of(tensor.type()).orElseThrow().dequantize(tensor.bytes(), 0, values, 0, values.length);
        return values;
    }

    static MemorySegment bytes(float[] values) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[values.length * Float.BYTES]);
        MemorySegment.copy(values, 0, bytes, FLOAT, 0, values.length);
        return bytes;
    }

    GgufFile file() {
        return read(path());
    }

    /** The file on disk, which is deleted when the virtual machine ends. */
    Path path() {
        GgufWriter writer = new GgufWriter();
        metadata.forEach(writer::put);
        tensors.values().forEach(tensor -> writer.tensor(tensor.name(), tensor.type(),
                tensor.dimensions().stream().mapToLong(Long::longValue).toArray(), tensor.bytes()));
        try {
            Path path = Files.createTempFile("rewritten", ".gguf");
            path.toFile().deleteOnExit();
            return writer.write(path).getFirst();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static GgufFile read(Path path) {
        try {
            return GgufFile.parse("rewritten.gguf", MemorySegment.ofArray(Files.readAllBytes(path)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
