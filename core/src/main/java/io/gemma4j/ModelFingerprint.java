package io.gemma4j;

import io.gemma4j.gguf.GgufFile;
import io.gemma4j.gguf.GgufTensor;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Tells models apart: SHA-256 of the files' lengths, of all that stands before the weights, and of three pieces of each tensor. It does not read
 * the rest of the weights, which would take longer than loading them.
 */
final class ModelFingerprint {
    static final int BYTES = 32;

    private static final int PIECE_BYTES = 4096;

    private ModelFingerprint() {}

    /** The fingerprint of a model. */
    static byte[] of(GgufFile file) {
        MessageDigest digest = sha256();
        for (MemorySegment segment : file.segments()) {
            digest.update((segment.byteSize() + ";").getBytes(StandardCharsets.US_ASCII));
            digest.update(head(file, segment).asByteBuffer());
        }
        for (GgufTensor tensor : file.tensors()) {
            MemorySegment bytes = tensor.bytes();
            long last = Math.max(0, bytes.byteSize() - PIECE_BYTES);
            for (long at : new long[] {0, last / 2, last}) {
                digest.update(bytes.asSlice(at, Math.min(PIECE_BYTES, bytes.byteSize())).asByteBuffer());
            }
        }
        return digest.digest();
    }

    // What stands before the first tensor of a file; its end may be padded.
    private static MemorySegment head(GgufFile file, MemorySegment segment) {
        long end = segment.byteSize();
        for (GgufTensor tensor : file.tensors()) {
            long offset = tensor.bytes().address() - segment.address();
            end = offset >= 0 && offset < end ? offset : end;
        }
        return segment.asSlice(0, Math.min(end, Integer.MAX_VALUE));
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java runtime has SHA-256", e);
        }
    }
}
