package io.gemma4j.gguf;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** A GGUF file put together number by number from the specification, independent of the writer. */
final class GgufBytes {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    static GgufBytes head(long tensors, long pairs) {
        return new GgufBytes().ascii("GGUF").u32(3).u64(tensors).u64(pairs);
    }

    GgufBytes number(long value, int byteCount) {
        for (int i = 0; i < byteCount; i++) {
            bytes.write((int) (value >> 8 * i));
        }
        return this;
    }

    GgufBytes u32(long value) {
        return number(value, 4);
    }

    GgufBytes u64(long value) {
        return number(value, 8);
    }

    GgufBytes ascii(String text) {
        bytes.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
        return this;
    }

    GgufBytes text(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        return u64(utf8.length).raw(utf8);
    }

    GgufBytes raw(byte... values) {
        bytes.writeBytes(values);
        return this;
    }

    GgufBytes key(String key, int typeId) {
        return text(key).u32(typeId);
    }

    GgufBytes tensor(String name, int typeId, long offset, long... dimensions) {
        text(name).u32(dimensions.length);
        for (long dimension : dimensions) {
            u64(dimension);
        }
        return u32(typeId).u64(offset);
    }

    GgufBytes pad(int alignment) {
        return raw(new byte[Math.floorMod(-bytes.size(), alignment)]);
    }

    byte[] toArray() {
        return bytes.toByteArray();
    }

    GgufFile parse() {
        return GgufFile.parse("bad.gguf", MemorySegment.ofArray(toArray()));
    }
}
