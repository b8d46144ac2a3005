package io.gemma4j;

import io.gemma4j.sampling.Sampler;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;

/**
 * Feeds a session and draws the token that comes next. Its user has entered the session. One thread at a time. Closing, by whoever opened it, waits
 * for the device.
 */
interface TokenDraw extends AutoCloseable {

    /**
     * Where tokens are drawn: on the device where that is possible, else from the logits.
     *
     * @param sampler told by the caller which tokens are accepted: those that were fed, before {@link #draw}
     * @param needsLogits whether somebody wants to see the logits of each step
     * @param masked whether each draw is among some tokens only, or none is
     */
    static TokenDraw of(SessionText text, Sampler sampler, BooleanSupplier cancelled, boolean needsLogits, boolean masked) {
        HostDraw host = new HostDraw(text, sampler, cancelled);
        if (needsLogits) {
            return host;
        }
        return masked ? text.maskedTokens(sampler).<TokenDraw>map(device -> new MaskedDraw(text, device, host, cancelled)).orElse(host)
                : text.drawnTokens(sampler).<TokenDraw>map(device -> new DeviceDraw(text, device, cancelled)).orElse(host);
    }

    /**
     * Adds tokens to the text, at the latest when the token after them is drawn or skipped.
     *
     * @throws CancellationException if it is cancelled, interrupted or closed
     */
    void feed(int[] tokens, ProgressListener progress);

    /**
     * The next token. Among some tokens it can be drawn again, from fewer.
     *
     * @param allowed a bit for each token, as {@link Sampler#sample(float[], long[])} takes it; null for all
     * @param ahead whether the one after it is likely to be wanted
     * @return -1 if none of the allowed tokens can be drawn
     * @throws CancellationException if it is cancelled, interrupted or closed
     */
    int draw(long[] allowed, boolean ahead);

    /**
     * What follows on the tokens that were fed is known, drawn or not.
     *
     * @throws CancellationException if it is cancelled, interrupted or closed
     */
    void skip();

    @Override
    void close();
}
