package io.gemma4j;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/**
 * What a session's file begins with: magic, version, all fields in this order, CRC-32C of these; in little-endian order.
 *
 * @param fingerprint of the model
 * @param kvType element type of the cache, as 16 characters of ASCII
 * @param vocabulary tokens of the model
 * @param tokens of the text
 * @param firstOfWindows the first position that is there for layers with a sliding window
 * @param firstOfTails the first position that is there for tails, where the type of the cache has them
 * @param logits whether the scores for the next token are there
 */
record SessionHeader(byte[] fingerprint, String kvType, int vocabulary, int tokens, int firstOfWindows, int firstOfTails, boolean logits) {
    static final int VERSION = 1;
    static final int BYTES = 8 + 4 + ModelFingerprint.BYTES + 16 + 5 * 4 + 4;

    private static final byte[] MAGIC = "GEMMA4JS".getBytes(StandardCharsets.US_ASCII);
    private static final int KV_TYPE_BYTES = 16;

    /** The header of a session of a model. */
    SessionHeader(Gemma4 model, int tokens, int firstOfWindows, int firstOfTails, boolean logits) {
        this(model.fingerprint(), model.loadOptions().kvType().name(), model.tokenizer().vocabularySize(), tokens, firstOfWindows, firstOfTails, logits);
    }

    ByteBuffer encode() {
        ByteBuffer bytes = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.put(MAGIC).putInt(VERSION).put(fingerprint).put(Arrays.copyOf(kvType.getBytes(StandardCharsets.US_ASCII), KV_TYPE_BYTES));
        bytes.putInt(vocabulary).putInt(tokens).putInt(firstOfWindows).putInt(firstOfTails).putInt(logits ? 1 : 0);
        return bytes.putInt(checksum(bytes)).flip();
    }

    private static int checksum(ByteBuffer bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes.array(), 0, BYTES - Integer.BYTES);
        return (int) crc.getValue();
    }

    /**
     * Reads a header that belongs to a model.
     *
     * @param file names it in messages
     * @param bytes {@value #BYTES} of them, in an array of their own
     * @throws SessionFormatException if it is damaged, foreign, of another version or model, or of another type of cache than the model's
     */
    static SessionHeader decode(String file, ByteBuffer bytes, Gemma4 model) {
        bytes.order(ByteOrder.LITTLE_ENDIAN);
        byte[] magic = take(bytes, MAGIC.length);
        require(Arrays.equals(magic, MAGIC), file, "start", hex(MAGIC), hex(magic));
        int version = bytes.getInt();
        require(version == VERSION, file, "version", Integer.toString(VERSION), Integer.toString(version));
        int found = bytes.getInt(BYTES - Integer.BYTES);
        require(found == checksum(bytes), file, "checksum of the header", Integer.toHexString(checksum(bytes)), Integer.toHexString(found));
        byte[] fingerprint = take(bytes, ModelFingerprint.BYTES);
        require(Arrays.equals(fingerprint, model.fingerprint()), file, "model", "the one that is loaded, " + hex(model.fingerprint()), hex(fingerprint));
        String kvType = new String(take(bytes, KV_TYPE_BYTES), StandardCharsets.US_ASCII).replace("\0", "");
        require(kvType.equals(model.loadOptions().kvType().name()), file, "kvType", model.loadOptions().kvType() + ", with which the model is loaded", kvType);
        int vocabulary = bytes.getInt();
        require(vocabulary == model.tokenizer().vocabularySize(), file, "vocabulary", Integer.toString(model.tokenizer().vocabularySize()),
                Integer.toString(vocabulary));
        int tokens = bytes.getInt();
        require(tokens >= 0, file, "tokens", "at least 0", Integer.toString(tokens));
        int firstOfWindows = bytes.getInt();
        require(firstOfWindows >= 0 && firstOfWindows <= tokens, file, "first position of sliding layers", "from 0 to " + tokens,
                Integer.toString(firstOfWindows));
        int firstOfTails = bytes.getInt();
        require(firstOfTails >= 0 && firstOfTails <= tokens, file, "first position of tails", "from 0 to " + tokens, Integer.toString(firstOfTails));
        int logits = bytes.getInt();
        require(logits == 0 || logits == 1, file, "whether there are logits", "0 or 1", Integer.toString(logits));
        return new SessionHeader(fingerprint, kvType, vocabulary, tokens, firstOfWindows, firstOfTails, logits == 1);
    }

    private static byte[] take(ByteBuffer bytes, int count) {
        byte[] taken = new byte[count];
        bytes.get(taken);
        return taken;
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    private static void require(boolean valid, String file, String subject, String expected, String found) {
        if (!valid) {
            throw new SessionFormatException(file, subject, expected, found);
        }
    }
}
