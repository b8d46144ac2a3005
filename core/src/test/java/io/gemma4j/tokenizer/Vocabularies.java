package io.gemma4j.tokenizer;

import io.gemma4j.gguf.GgufFile;
import io.gemma4j.gguf.GgufMetadata;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import org.tukaani.xz.XZInputStream;

/** The vocabularies the tests run on, read once. */
public final class Vocabularies {
    /** All 262144 tokens of Gemma 4. */
    public static final GgufMetadata REAL_METADATA = read("/tokenizer/gemma4-vocab.gguf.xz");
    public static final Tokenizer REAL = Tokenizer.of(REAL_METADATA);

    /** The 1024 tokens of the fixture models. */
    public static final GgufMetadata MINI_METADATA = read("/fixtures/dense-mini-Q4_K_M.gguf");
    public static final Tokenizer MINI = Tokenizer.of(MINI_METADATA);

    private Vocabularies() {}

    private static GgufMetadata read(String resource) {
        try (InputStream file = Vocabularies.class.getResourceAsStream(resource)) {
            byte[] bytes = resource.endsWith(".xz") ? new XZInputStream(file).readAllBytes() : file.readAllBytes();
            return GgufFile.parse(resource, MemorySegment.ofArray(bytes)).metadata();
        } catch (IOException e) {
            throw new UncheckedIOException(resource, e);
        }
    }
}
