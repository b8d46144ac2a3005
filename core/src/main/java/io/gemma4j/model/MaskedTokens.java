package io.gemma4j.model;

import io.gemma4j.Gemma4Exception;
import io.gemma4j.backend.DeviceSampler;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.Step;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;

/**
 * The tokens of one text, each drawn on the device among those that the host allows. The step of a token that was drawn is queued before the host has
 * taken the token, so that the device is busy while the host finds out what may follow; not where texts take turns, since the others' steps would
 * leave nothing to draw from. The cache counts the rows of a step when the token after it is drawn or skipped. One thread at a time, but for
 * {@link #close()}. Closed by whoever asked {@link Gemma4Decoder#maskedTokens} for it, which waits for what is queued.
 */
public final class MaskedTokens implements AutoCloseable {
    private static final int NONE = -1;

    private final Gemma4Decoder decoder;
    private final KvCache cache;
    private final DeviceSampler device;
    private Step step; // whose token has not been drawn; null where there is none
    private boolean queued; // whether the device has run it
    private int aheadOf = NONE; // token whose step is queued, though it was not fed
    private long turn = NONE; // of the decoder when the text had it last

    MaskedTokens(Gemma4Decoder decoder, KvCache cache, DeviceSampler device) {
        this.decoder = decoder;
        this.cache = cache;
        this.device = device;
    }

    /** Whether there is no step whose token is to be drawn. */
    public boolean isEmpty() {
        return step == null;
    }

    /**
     * Takes a step, which runs at the latest when the token after it is drawn or skipped.
     *
     * @param next the next tokens of the cache's sequence, of which the last wants logits
     * @throws IllegalStateException if the token after an earlier step has not been drawn
     */
    public void feed(Step next) {
        if (step != null) {
            throw new IllegalStateException("the token after an earlier step was neither drawn nor skipped");
        }
        step = next;
        queued = next.rows() == 1 && next.token(0) == aheadOf;
        aheadOf = NONE;
    }

    /**
     * Draws the token after the step.
     *
     * @param allowed a bit for each token
     * @param ahead whether the next step is likely to be that of the token
     * @return the token; -1 if none of those that are allowed is possible
     * @throws CancellationException as {@link Gemma4Decoder#run} does
     * @throws Gemma4Exception if a logit is not a number
     * @throws IllegalStateException if there is no step, or the cache has changed since it was made
     */
    public int draw(long[] allowed, boolean ahead, BooleanSupplier cancelled) {
        requireStep();
        boolean alone = decoder.queue(step, 0, cancelled, operations -> {
            boolean undisturbed = turn == NONE || decoder.turns() == turn + 1;
            if (!queued || !undisturbed) {
                device.run(step, operations);
            }
            device.draw(allowed);
            turn = decoder.turns();
            return undisturbed;
        });
        int rows = step.rows();
        queued = true;
        boolean runsAhead = ahead && alone && cache.tokens() + rows < cache.contextTokens() && queueNext(rows, cancelled);
        int token = device.take();
        counted();
        if (token == DeviceSampler.NOT_A_NUMBER) {
            throw DrawnTokens.notANumber();
        }
        aheadOf = runsAhead && token >= 0 ? token : NONE;
        return Math.max(token, NONE);
    }

    private boolean queueNext(int rows, BooleanSupplier cancelled) {
        Step next = Step.ofDrawn(cache, rows);
        return decoder.queue(next, rows, cancelled, operations -> {
            turn = decoder.turns();
            return device.runNext(next, operations);
        });
    }

    /**
     * Runs the step; the token after it is not drawn.
     *
     * @throws CancellationException as {@link Gemma4Decoder#run} does
     * @throws IllegalStateException if there is no step, or the cache has changed since it was made
     */
    public void skip(BooleanSupplier cancelled) {
        requireStep();
        if (!queued) {
            decoder.queue(step, 0, cancelled, operations -> {
                device.run(step, operations);
                turn = decoder.turns();
                return true;
            });
        }
        counted();
    }

    private void requireStep() {
        if (step == null) {
            throw new IllegalStateException("there is no step to draw a token after");
        }
    }

    private void counted() {
        cache.append(step.rows());
        step = null;
    }

    @Override
    public void close() {
        device.close();
    }
}
