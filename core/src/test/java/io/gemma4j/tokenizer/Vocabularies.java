package io.gemma4j.tokenizer;

import io.gemma4j.gguf.GgufMetadata;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tukaani.xz.XZInputStream;

/** The vocabularies the tests run on, read once. */
final class Vocabularies {
    /** All 262144 tokens of Gemma 4. */
    static final GgufMetadata REAL_METADATA = read("/tokenizer/gemma4-vocab.gguf.xz");
    static final Tokenizer REAL = Tokenizer.of(REAL_METADATA);

    /** The 1024 tokens of the fixture models. */
    static final GgufMetadata MINI_METADATA = read("/fixtures/dense-mini-Q4_K_M.gguf");
    static final Tokenizer MINI = Tokenizer.of(MINI_METADATA);

    private Vocabularies() {}

    private static GgufMetadata read(String resource) {
        try (InputStream file = Vocabularies.class.getResourceAsStream(resource)) {
            byte[] bytes = resource.endsWith(".xz") ? new XZInputStream(file).readAllBytes() : file.readAllBytes();
            ByteBuffer b = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            b.position(16);
            long n = b.getLong();
            Map<String, Object> m = new LinkedHashMap<>();
            for (long i = 0; i < n; i++) {
                String k = string(b);
                m.put(k, value(b, b.getInt()));
            }
            return new GgufMetadata(resource, m);
        } catch (IOException e) {
            throw new UncheckedIOException(resource, e);
        }
    }

    private static String string(ByteBuffer b) {
        byte[] s = new byte[(int) b.getLong()];
        b.get(s);
        return new String(s, java.nio.charset.StandardCharsets.UTF_8);
    }

    private static Object value(ByteBuffer b, int type) {
        return switch (type) {
            case 4, 5 -> b.getInt();
            case 6 -> b.getFloat();
            case 7 -> b.get() != 0;
            case 8 -> string(b);
            case 9 -> {
                int t = b.getInt();
                long n = b.getLong();
                List<Object> l = new ArrayList<>();
                for (long i = 0; i < n; i++) {
                    l.add(value(b, t));
                }
                yield l;
            }
            default -> throw new IllegalStateException("type " + type);
        };
    }
}
