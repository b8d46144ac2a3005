package io.gemma4j;

import io.gemma4j.model.DrawnTokens;
import io.gemma4j.sampling.Sampler;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;

/**
 * Feeds a session and draws the token that comes next: on the device where that is possible, a step ahead of the caller, else from the logits. Its
 * user has entered the session. One thread at a time. Closing, by whoever opened it, waits for the device.
 */
final class TokenDraw implements AutoCloseable {
    private final SessionText text;
    private final Sampler sampler;
    private final BooleanSupplier cancelled;
    private final DrawnTokens drawn; // null where tokens are drawn from the logits

    /**
     * Draws nothing yet.
     *
     * @param sampler told by the caller which tokens are accepted: those that were fed, before {@link #draw}
     * @param needsLogits whether somebody wants to see the logits of each step
     */
    TokenDraw(SessionText text, Sampler sampler, BooleanSupplier cancelled, boolean needsLogits) {
        this.text = text;
        this.sampler = sampler;
        this.cancelled = cancelled;
        drawn = needsLogits ? null : text.drawnTokens(sampler);
    }

    /**
     * Adds tokens to the text. A device that is a step ahead has added the token it drew itself.
     *
     * @throws CancellationException if it is cancelled, interrupted or closed
     */
    void feed(int[] tokens, ProgressListener progress) {
        if (drawn == null) {
            text.feed(tokens, cancelled, progress);
        } else if (drawn.isEmpty()) {
            text.feed(tokens, drawn, cancelled, progress);
        }
    }

    /**
     * The next token.
     *
     * @param ahead whether the one after it is likely to be wanted
     * @throws CancellationException if it is cancelled, interrupted or closed
     */
    int draw(boolean ahead) {
        if (drawn == null) {
            return sampler.sample(text.lastLogits());
        }
        if (ahead) {
            text.queueNext(drawn, cancelled);
        }
        return text.take(drawn);
    }

    /** The next token is not to be drawn: the caller has it. */
    void skip() {
        if (drawn != null) {
            text.take(drawn);
        }
    }

    @Override
    public void close() {
        if (drawn != null) {
            drawn.close();
        }
    }
}
