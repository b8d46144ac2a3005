package io.gemma4j;

import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.Step;
import io.gemma4j.backend.Step.LogitRows;
import io.gemma4j.model.DrawnTokens;
import io.gemma4j.model.Gemma4Decoder;
import io.gemma4j.model.Gemma4Decoder.RowSink;
import io.gemma4j.model.MaskedTokens;
import io.gemma4j.sampling.Sampler;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;

/**
 * The tokens of a session, the model's memory of them, and the scores for the next one. Whoever calls it has entered the session, which closes
 * it.
 */
final class SessionText implements AutoCloseable {
    private final Gemma4Decoder decoder;
    private final KvCache cache;
    private final BooleanSupplier closing;
    private final float[] lastLogits;
    private int[] history = new int[64];
    private boolean logitsValid;

    /**
     * An empty text.
     *
     * @param closing whether what is running has to end
     */
    SessionText(Gemma4Decoder decoder, KvCache cache, int vocabulary, BooleanSupplier closing) {
        this.decoder = decoder;
        this.cache = cache;
        this.closing = closing;
        this.lastLogits = new float[vocabulary];
    }

    KvCache cache() {
        return cache;
    }

    /** The tokens so far. */
    int[] history() {
        return history(cache.tokens());
    }

    /** The first tokens, those of a step that is running included. */
    int[] history(int tokens) {
        return Arrays.copyOf(history, tokens);
    }

    /** The scores for the next token, without a copy. */
    float[] lastLogits() {
        return lastLogits;
    }

    /** Whether there are scores for the next token. */
    boolean hasLogits() {
        return logitsValid;
    }

    /** Adds tokens in steps. */
    void feed(int[] tokens, BooleanSupplier cancelled, ProgressListener progress) {
        check(tokens);
        run(tokens, LogitRows.LAST, cancelled, progress, (step, stop) -> decoder.run(step, stop, (row, logits) -> keep(logits)));
        logitsValid = true;
    }

    /** Adds tokens and hands over the logits after each of them. */
    void feedAll(int[] tokens, RowSink sink) {
        check(tokens);
        run(tokens, LogitRows.ALL, () -> false, ProgressListener.NONE, (step, stop) -> decoder.run(step, stop, (row, logits) -> {
            keep(logits);
            sink.accept(row, logits);
        }));
        logitsValid = true;
    }

    /** Adds tokens and hands over the hidden state of each after the final norm. There are no logits then. */
    void feedHidden(int[] tokens, RowSink sink) {
        check(tokens);
        run(tokens, LogitRows.ALL, () -> false, ProgressListener.NONE, (step, stop) -> decoder.runHidden(step, stop, sink));
    }

    /** Adds tokens in steps, the last of which is queued with the draw of the token after it. */
    void feed(int[] tokens, DrawnTokens drawn, BooleanSupplier cancelled, ProgressListener progress) {
        check(tokens);
        run(tokens, LogitRows.LAST, cancelled, progress, (step, stop) -> {
            if (step.logitRowCount() == 0) {
                decoder.run(step, stop, (row, logits) -> {});
            } else {
                drawn.queue(step, stop);
            }
        });
    }

    /** Adds tokens in steps, the last of which is left to who draws the token after it. */
    void feed(int[] tokens, MaskedTokens masked, BooleanSupplier cancelled, ProgressListener progress) {
        check(tokens);
        run(tokens, LogitRows.LAST, cancelled, progress, (step, stop) -> {
            if (step.logitRowCount() == 0) {
                decoder.run(step, stop, (row, logits) -> {});
            } else {
                masked.feed(step);
            }
        });
    }

    /** What draws tokens on the device, where that is possible. */
    Optional<DrawnTokens> drawnTokens(Sampler sampler) {
        return decoder.drawnTokens(cache, sampler);
    }

    /** What draws tokens on the device among some, where that is possible. */
    Optional<MaskedTokens> maskedTokens(Sampler sampler) {
        return decoder.maskedTokens(cache, sampler);
    }

    /** The token after what was fed, among those that are allowed. */
    int draw(MaskedTokens masked, long[] allowed, boolean ahead, BooleanSupplier cancelled) {
        return masked.draw(allowed, ahead, stop(cancelled));
    }

    /** The token after what was fed is known. */
    void skip(MaskedTokens masked, BooleanSupplier cancelled) {
        masked.skip(stop(cancelled));
    }

    /** Feeds the last token once more, for its logits. */
    void repeatLast(BooleanSupplier cancelled) {
        int[] tokens = history();
        rewind(tokens.length - 1);
        feed(Arrays.copyOfRange(tokens, cache.tokens(), tokens.length), cancelled, ProgressListener.NONE);
    }

    /** Queues the step of a token that is drawn but not taken, where that is possible. */
    void queueNext(DrawnTokens drawn, BooleanSupplier cancelled) {
        drawn.queueNext(stop(cancelled));
    }

    /** The earliest token that is drawn but not taken: the one that the device takes for the next. */
    int take(DrawnTokens drawn) {
        int token = drawn.take();
        int held = cache.tokens();
        reserve(held + 1);
        history[held] = token;
        return token;
    }

    /** Says that the scores are not those for the next token. */
    void dropLogits() {
        logitsValid = false;
    }

    /**
     * Keeps of the text what a new one begins with and forgets the rest. At least one token of the new text is left to be fed. Where both part, there
     * will be a checkpoint.
     *
     * @return how many tokens of the new text are held
     */
    int keepPrefix(int[] tokens) {
        int held = cache.tokens();
        int common = common(tokens);
        if (common < held) {
            rewind(common);
            cache.checkpoint(common);
        }
        return cache.tokens();
    }

    /** How many tokens the text and a new one have in common at their start; the last one of the new text is not counted. */
    int common(int[] tokens) {
        int held = cache.tokens();
        int mismatch = Arrays.mismatch(history, 0, held, tokens, 0, tokens.length - 1);
        return mismatch < 0 ? held : mismatch;
    }

    /** How many tokens of a new text {@link #keepPrefix} would find. */
    int reachable(int[] tokens) {
        return cache.reachable(common(tokens));
    }

    /** Forgets the last tokens, and as many before them as the cache cannot do without. */
    void rewind(int tokens) {
        if (tokens < cache.tokens()) {
            logitsValid = false;
            decoder.betweenSteps(stop(() -> false), () -> cache.rewind(tokens));
        }
    }

    void clear() {
        logitsValid = false;
        cache.clear();
    }

    /** Notes the end of the text, or a place after it, as one to be taken back to. */
    void checkpoint(int tokens) {
        cache.checkpoint(tokens);
    }

    /**
     * Becomes a copy of another text of the same model, in an empty cache of the same size.
     *
     * @param tokens how many at most; fewer where the other could not be taken back to that many
     */
    void copy(SessionText from, int tokens) {
        int kept = decoder.betweenSteps(stop(() -> false), () -> cache.copy(from.cache, tokens));
        set(Arrays.copyOf(from.history, kept), from.logitsValid && kept == from.cache.tokens() ? from.lastLogits : null);
    }

    /** Sets the tokens whose keys and values the cache holds, and the scores after them, unless they are null. */
    void set(int[] tokens, float[] logits) {
        reserve(tokens.length);
        System.arraycopy(tokens, 0, history, 0, tokens.length);
        logitsValid = logits != null;
        if (logitsValid) {
            keep(logits);
        }
    }

    private BooleanSupplier stop(BooleanSupplier cancelled) {
        return () -> closing.getAsBoolean() || Thread.currentThread().isInterrupted() || cancelled.getAsBoolean();
    }

    private void check(int[] tokens) {
        if (tokens.length == 0) {
            throw new IllegalArgumentException("there are no tokens to add");
        }
        for (int token : tokens) {
            if (token < 0 || token >= lastLogits.length) {
                throw new IllegalArgumentException("token " + token + " is outside the vocabulary of " + lastLogits.length);
            }
        }
        if (tokens.length > cache.contextTokens() - cache.tokens()) {
            throw new ContextOverflowException(tokens.length, cache.tokens(), cache.contextTokens());
        }
    }

    private void run(int[] tokens, LogitRows wanted, BooleanSupplier cancelled, ProgressListener progress,
            BiConsumer<Step, BooleanSupplier> runner) {
        logitsValid = false;
        BooleanSupplier stop = stop(cancelled);
        int held = cache.tokens();
        reserve(held + tokens.length);
        System.arraycopy(tokens, 0, history, held, tokens.length);
        int stepTokens = decoder.maxStepRows();
        for (int from = 0; from < tokens.length; from += stepTokens) {
            int to = Math.min(tokens.length, from + stepTokens);
            LogitRows rows = wanted == LogitRows.LAST && to < tokens.length ? LogitRows.NONE : wanted;
            if (tokens.length > 1 && !progress.onProgress(ProgressListener.Stage.PREFILL, from, tokens.length)) {
                throw new CancellationException("aborted by the progress listener");
            }
            runner.accept(Step.of(cache, Arrays.copyOfRange(tokens, from, to), rows), stop);
        }
        if (tokens.length > 1 && !progress.onProgress(ProgressListener.Stage.PREFILL, tokens.length, tokens.length)) {
            throw new CancellationException("aborted by the progress listener");
        }
    }

    private void reserve(int tokens) {
        if (history.length < tokens) {
            history = Arrays.copyOf(history, Math.max(2 * history.length, tokens));
        }
    }

    private void keep(float[] logits) {
        System.arraycopy(logits, 0, lastLogits, 0, logits.length);
    }

    @Override
    public void close() {
        cache.close();
    }
}
