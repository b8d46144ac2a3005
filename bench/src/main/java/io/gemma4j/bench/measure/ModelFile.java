package io.gemma4j.bench.measure;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Which file was measured.
 *
 * @param file its name
 * @param bytes its size
 * @param sha256 a hash
 * @param hashed what was hashed
 */
public record ModelFile(String file, long bytes, String sha256, String hashed) {
    private static final long WHOLE_UP_TO_BYTES = 1L << 30;
    private static final int HEAD_BYTES = 64 << 20;

    /**
     * Identifies a file.
     *
     * @throws IOException if it cannot be read
     */
    public static ModelFile of(Path path) throws IOException {
        long size = Files.size(path);
        boolean whole = size <= WHOLE_UP_TO_BYTES;
        MessageDigest digest = newDigest();
        try (InputStream in = Files.newInputStream(path)) {
            byte[] chunk = new byte[1 << 20];
            long left = whole ? size : HEAD_BYTES;
            for (int count; left > 0 && (count = in.read(chunk, 0, (int) Math.min(chunk.length, left))) > 0; left -= count) {
                digest.update(chunk, 0, count);
            }
        }
        if (!whole) {
            digest.update(ByteBuffer.allocate(Long.BYTES).putLong(0, size));
        }
        return new ModelFile(path.getFileName().toString(), size, HexFormat.of().formatHex(digest.digest()),
                whole ? "the whole file" : "the first " + HEAD_BYTES + " bytes and the size as 8 bytes, big-endian");
    }

    private static MessageDigest newDigest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
