package io.gemma4j.tokenizer;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * Turns tokens into text as they come, and never shows half a character: bytes that may still become one are held back, and bytes that
 * cannot become U+FFFD at once. Control tokens add nothing. The pieces, joined and with {@link #flush()} at the end, are what
 * {@link Tokenizer#decode(int...)} makes of all tokens together.
 *
 * <p>Belongs to one stream at a time and is not thread-safe.
 *
 * <pre>{@code
 * StreamDecoder decoder = tokenizer.newStreamDecoder();
 * for (int id : ids) {
 *     out.append(decoder.accept(id));
 * }
 * out.append(decoder.flush());
 * }</pre>
 */
public final class StreamDecoder {
    // The longest UTF-8 sequence has four bytes, so three may be waiting for the last.
    private static final int MAX_PENDING_BYTES = 3;

    private final Tokenizer tokenizer;
    private final CharsetDecoder utf8 = StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPLACE);
    private ByteBuffer pending = ByteBuffer.allocate(0);

    StreamDecoder(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /**
     * Takes the next token.
     *
     * @return the text that became complete, often empty
     * @throws IllegalArgumentException when {@code id} is outside the vocabulary
     */
    public String accept(int id) {
        if (tokenizer.isControl(id)) {
            return "";
        }
        byte[] bytes = tokenizer.tokenBytes(id);
        ByteBuffer input = ByteBuffer.allocate(pending.remaining() + bytes.length).put(pending).put(bytes).flip();
        CharBuffer text = CharBuffer.allocate(input.remaining());
        utf8.decode(input, text, false);
        pending = input;
        return text.flip().toString();
    }

    /** Ends the stream: returns U+FFFD when a character was left incomplete, otherwise nothing. The decoder may then start over. */
    public String flush() {
        CharBuffer text = CharBuffer.allocate(MAX_PENDING_BYTES);
        utf8.decode(pending, text, true);
        utf8.flush(text);
        utf8.reset();
        return text.flip().toString();
    }
}
