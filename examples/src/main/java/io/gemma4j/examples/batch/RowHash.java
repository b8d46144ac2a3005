package io.gemma4j.examples.batch;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** What tells, in an answer, which row it is the answer to: the first 64 bits of the SHA-256 of the row's bytes. Thread-safe. */
public final class RowHash {
    private static final int BYTES = 8;

    private RowHash() {}

    /**
     * The hash of a row.
     *
     * @param row UTF-8, without a line end
     * @return 16 hexadecimal digits
     */
    public static String of(byte[] row) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(row), 0, BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
