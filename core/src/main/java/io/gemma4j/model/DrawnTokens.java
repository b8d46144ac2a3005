package io.gemma4j.model;

import io.gemma4j.Gemma4Exception;
import io.gemma4j.backend.DeviceSampler;
import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.Step;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;

/**
 * The tokens of one text, drawn on the device: what is queued there may be a step ahead of what has been taken. The cache counts the rows of a
 * step when its token is taken; a step whose token is never taken has not happened. One thread at a time, but for {@link #close()}. Closed by
 * whoever asked {@link Gemma4Decoder#drawnTokens} for it, which waits for what is queued.
 */
public final class DrawnTokens implements AutoCloseable {
    private final Gemma4Decoder decoder;
    private final KvCache cache;
    private final DeviceSampler device;
    private final Deque<Integer> queuedRows = new ArrayDeque<>();

    DrawnTokens(Gemma4Decoder decoder, KvCache cache, DeviceSampler device) {
        this.decoder = decoder;
        this.cache = cache;
        this.device = device;
    }

    /** Whether no drawn token is to be taken. */
    public boolean isEmpty() {
        return queuedRows.isEmpty();
    }

    /**
     * Queues a step, and the draw of the token after it.
     *
     * @param step the next tokens of the cache's sequence, of which the last wants logits
     * @throws CancellationException as {@link Gemma4Decoder#run} does
     * @throws IllegalStateException if a token has not been taken, or the cache has changed since the step was made
     */
    public void queue(Step step, BooleanSupplier cancelled) {
        if (!isEmpty()) {
            throw new IllegalStateException("a token was drawn and not taken");
        }
        decoder.queue(step, 0, cancelled, operations -> {
            device.run(step, operations);
            return true;
        });
        queuedRows.add(step.rows());
    }

    /**
     * Queues the step of the token drawn last, which need not have been taken, if the device still has that and the cache room for it. Otherwise
     * nothing happens: once the token is known, its step can be queued like any other.
     *
     * @throws CancellationException as {@link Gemma4Decoder#run} does
     */
    public void queueNext(BooleanSupplier cancelled) {
        int rows = queuedRows.stream().mapToInt(Integer::intValue).sum();
        if (cache.tokens() + rows >= cache.contextTokens()) {
            return;
        }
        Step step = Step.ofDrawn(cache, rows);
        if (decoder.queue(step, rows, cancelled, operations -> device.runNext(step, operations))) {
            queuedRows.add(1);
        }
    }

    /**
     * The token after the earliest step that is queued, which then counts; waits for it.
     *
     * @throws Gemma4Exception if none can be drawn
     * @throws IllegalStateException if none is queued
     */
    public int take() {
        int token = device.take();
        cache.append(queuedRows.remove());
        return switch (token) {
            case DeviceSampler.NOT_A_NUMBER -> throw notANumber();
            case DeviceSampler.NONE_POSSIBLE -> throw new Gemma4Exception("no token can be chosen: all logits are negative infinity, from the model"
                    + " or because logitBias bans the rest");
            default -> token;
        };
    }

    static Gemma4Exception notANumber() {
        return new Gemma4Exception("the model produced NaN: a logit is not a number");
    }

    @Override
    public void close() {
        device.close();
    }
}
