package io.gemma4j.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Encodes what a GGUF file is made of into a channel, through a buffer, and counts the bytes. Not thread-safe; does not own the channel. */
final class GgufSink {
    private static final int BUFFER_BYTES = 1 << 16;

    private final WritableByteChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private long flushed;

    GgufSink(WritableByteChannel channel) {
        this.channel = channel;
    }

    /** Bytes put so far. */
    long position() {
        return flushed + buffer.position();
    }

    void putInt(int value) throws IOException {
        room(Integer.BYTES).putInt(value);
    }

    void putLong(long value) throws IOException {
        room(Long.BYTES).putLong(value);
    }

    void putString(String value) throws IOException {
        byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
        putLong(utf8.length);
        int at = 0;
        while (at < utf8.length) {
            int bytes = Math.min(room(1).remaining(), utf8.length - at);
            buffer.put(utf8, at, bytes);
            at += bytes;
        }
    }

    /** A value that {@link GgufEncoding#of} has let pass, after its type. */
    void putValue(GgufEncoding encoding, Object value) throws IOException {
        putInt(encoding.type().id());
        putBareValue(encoding, value);
    }

    private void putBareValue(GgufEncoding encoding, Object value) throws IOException {
        switch (encoding.type()) {
            case STRING -> putString((String) value);
            case ARRAY -> {
                GgufEncoding element = encoding.element();
                List<?> values = (List<?>) value;
                putInt(element.type().id());
                putLong(values.size());
                for (Object each : values) {
                    putBareValue(element, each);
                }
            }
            case U8, I8 -> room(1).put(((Number) value).byteValue());
            case U16, I16 -> room(Short.BYTES).putShort(((Number) value).shortValue());
            case U32, I32 -> putInt(((Number) value).intValue());
            case U64, I64 -> putLong(((Number) value).longValue());
            case F32 -> room(Float.BYTES).putFloat((Float) value);
            case F64 -> room(Double.BYTES).putDouble((Double) value);
            case BOOL -> room(1).put((byte) ((Boolean) value ? 1 : 0));
        }
    }

    /** Zeros up to the next multiple of {@code alignment} bytes. */
    void pad(int alignment) throws IOException {
        while (position() % alignment != 0) {
            room(1).put((byte) 0);
        }
    }

    void flush() throws IOException {
        buffer.flip();
        flushed += buffer.remaining();
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
        buffer.clear();
    }

    /**
     * The data of a tensor, straight from its source to the channel.
     *
     * @throws IllegalStateException if the source writes more or less than {@code bytes}
     */
    void putContent(String name, GgufWriter.TensorContent content, long bytes) throws IOException {
        flush();
        ExactChannel exact = new ExactChannel(name, bytes);
        content.writeTo(exact);
        if (exact.written != bytes) {
            throw new IllegalStateException("tensor '" + name + "': expected " + bytes + " bytes of content, found " + exact.written);
        }
        flushed += bytes;
    }

    private ByteBuffer room(int bytes) throws IOException {
        if (buffer.remaining() < bytes) {
            flush();
        }
        return buffer;
    }

    private final class ExactChannel implements WritableByteChannel {
        private final String name;
        private final long bytes;
        private long written;

        ExactChannel(String name, long bytes) {
            this.name = name;
            this.bytes = bytes;
        }

        @Override
        public int write(ByteBuffer source) throws IOException {
            if (source.remaining() > bytes - written) {
                throw new IllegalStateException("tensor '" + name + "': expected " + bytes + " bytes of content, found more");
            }
            int count = channel.write(source);
            written += count;
            return count;
        }

        @Override
        public boolean isOpen() {
            return channel.isOpen();
        }

        @Override
        public void close() {
            // the file goes on after this tensor
        }
    }
}
