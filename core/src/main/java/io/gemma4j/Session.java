package io.gemma4j;

import io.gemma4j.backend.KvCache;
import io.gemma4j.backend.Step.LogitRows;
import io.gemma4j.backend.Step;
import io.gemma4j.model.DrawnTokens;
import io.gemma4j.model.Gemma4Decoder.RowSink;
import io.gemma4j.model.MaskedTokens;
import io.gemma4j.sampling.Sampler;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.IntPredicate;

/**
 * One text in the making: the tokens so far and the model's memory of them. Tokens are fed, logits read, the next token is drawn and fed again:
 *
 * {@snippet :
 * try (Session session = model.newSession()) {
 *     int next = session.feed("2 + 2 =").logits().temperature(0.7f).topK(40).sample();
 * }
 * }
 *
 * <p>Belongs to one caller at a time: a call that meets another one throws {@link IllegalStateException} and changes nothing. Only
 * {@link #close()} may be called at any time; it ends what is running. Closed by whoever opened it, at the latest with its model.
 */
public final class Session implements AutoCloseable {
    private static final long CLOSE_POLL_NANOS = 200_000;

    private final Gemma4 model;
    private final KvCache cache;
    private final AtomicReference<Thread> user = new AtomicReference<>();
    private volatile boolean closing;
    private boolean released;
    private int[] history = new int[64];
    private final float[] lastLogits;
    private boolean logitsValid;

    Session(Gemma4 model, KvCache cache, int vocabulary) {
        this.model = model;
        this.cache = cache;
        this.lastLogits = new float[vocabulary];
    }

    /**
     * Adds tokens to the text.
     *
     * @param tokens their ids, as they are: nothing is put before them
     * @return this session, whose {@link #logits()} are those after the last token
     * @throws ContextOverflowException if they do not fit; nothing has changed then
     * @throws IllegalArgumentException if there is none, or one is no token
     * @throws IllegalStateException if the session is closed or another call is running
     * @throws CancellationException if the thread is interrupted or the session is closed meanwhile; {@link #tokens()} tells how many were added
     */
    public Session feed(int... tokens) {
        enter();
        try {
            feed(tokens, () -> false, ProgressListener.NONE);
        } finally {
            exit();
        }
        return this;
    }

    /**
     * Adds text. At the start of a session the token that begins every text is put before it.
     *
     * @param text no part of it becomes a control token
     * @return this session, whose {@link #logits()} are those after the last token
     * @throws ContextOverflowException if it does not fit; nothing has changed then
     * @throws IllegalArgumentException if there is nothing to add
     * @throws IllegalStateException if the session is closed or another call is running
     * @throws CancellationException if the thread is interrupted or the session is closed meanwhile
     */
    public Session feed(String text) {
        return feed(model.tokenizer().encode(text, tokens() == 0));
    }

    /**
     * Adds tokens to the text and reports the logits after each of them.
     *
     * @param tokens their ids
     * @param afterEach takes the logits after the first token, after the second, and so on; must not itself run the model, which is at work
     *     until it returns
     * @return this session
     * @throws ContextOverflowException if they do not fit; nothing has changed then
     * @throws IllegalArgumentException if there is none, or one is no token
     * @throws IllegalStateException if the session is closed or another call is running
     * @throws CancellationException if the thread is interrupted or the session is closed meanwhile
     */
    public Session feed(int[] tokens, Consumer<Logits> afterEach) {
        enter();
        try {
            feedAll(tokens, (row, logits) ->
                    afterEach.accept(new Logits(logits, model.samplingDefaults(), Arrays.copyOf(history, cache.tokens() + row + 1))));
        } finally {
            exit();
        }
        return this;
    }

    /**
     * The scores for the next token.
     *
     * @return a copy, with the model's default sampling options
     * @throws IllegalStateException if nothing has been fed, the last call did not finish, the session is closed or another call is running
     */
    public Logits logits() {
        enter();
        try {
            if (!logitsValid) {
                throw new IllegalStateException("there are no logits: feed tokens first");
            }
            return new Logits(lastLogits, model.samplingDefaults(), Arrays.copyOf(history, cache.tokens()));
        } finally {
            exit();
        }
    }

    /**
     * How many tokens the session holds.
     *
     * @return tokens
     */
    public int tokens() {
        return cache.tokens();
    }

    /**
     * How many tokens the session can hold.
     *
     * @return tokens
     */
    public int contextTokens() {
        return cache.contextTokens();
    }

    /**
     * Forgets the text; the session can be used for another.
     *
     * @throws IllegalStateException if the session is closed or another call is running
     */
    public void clear() {
        enter();
        cache.clear();
        logitsValid = false;
        exit();
    }

    /** Ends what is running on this session and frees its memory. May be called from any thread, and more than once. */
    @Override
    public void close() {
        beginClose();
        if (user.get() == Thread.currentThread()) {
            return; // called from within one of its own callbacks: freed when that call ends
        }
        while (!user.compareAndSet(null, Thread.currentThread())) {
            LockSupport.parkNanos(CLOSE_POLL_NANOS);
        }
        exit();
    }

    /** This session, for those who use it with a model. */
    Session requireModel(Gemma4 expected) {
        if (model != expected) {
            throw new IllegalArgumentException("the session belongs to another model");
        }
        return this;
    }

    /** Whether its end has begun. */
    boolean isClosing() {
        return closing;
    }

    /** Ends what is running, without waiting for it. */
    void beginClose() {
        closing = true;
    }

    void enter() {
        if (!user.compareAndSet(null, Thread.currentThread())) {
            throw new IllegalStateException(closing ? "the session is closed"
                    : "the session is in use by another call; a session belongs to one caller at a time");
        }
        if (closing) {
            exit();
            throw new IllegalStateException("the session is closed");
        }
    }

    void exit() {
        if (closing && !released) {
            released = true;
            cache.close();
            model.forget(this);
        }
        user.set(null);
    }

    /**
     * Draws a token, adds it to the text, draws the next, and so on: faster than by hand where tokens are drawn on the device. A draw depends on
     * the seed and on how many tokens the session holds.
     *
     * @param sampling how to draw; penalties see the whole text
     * @param maxTokens how many are drawn at most, at least 1; fewer where the session is full
     * @param more takes each token drawn, and says whether another one is wanted. The last one drawn is not added to the text
     * @return this session; to go on, feed it
     * @throws IllegalArgumentException if {@code maxTokens} is below 1
     * @throws IllegalStateException if there are no {@link #logits()}, the session is closed or another call is running
     * @throws Gemma4Exception if no token can be drawn
     * @throws CancellationException if the thread is interrupted or the session is closed meanwhile
     */
    public Session generate(SamplingOptions sampling, int maxTokens, IntPredicate more) {
        if (maxTokens < 1) {
            throw new IllegalArgumentException("maxTokens must be at least 1, was " + maxTokens);
        }
        enter();
        try {
            if (!logitsValid) {
                throw new IllegalStateException("there are no logits: feed tokens first");
            }
            Sampler sampler = new Sampler(sampling, lastLogits.length);
            for (int i = 0; i < cache.tokens(); i++) {
                sampler.accept(history[i]);
            }
            int token = sampler.sample(lastLogits);
            try (TokenDraw draw = TokenDraw.of(this, sampler, () -> false, false, false)) {
                for (int drawn = 1; more.test(token) && drawn < maxTokens && cache.tokens() < cache.contextTokens(); drawn++) {
                    sampler.accept(token);
                    draw.feed(new int[] {token}, ProgressListener.NONE);
                    token = draw.draw(null, drawn + 1 < maxTokens);
                }
            } finally {
                logitsValid = false;
            }
        } finally {
            exit();
        }
        return this;
    }

    /** Adds tokens in steps; the caller has entered. */
    void feed(int[] tokens, BooleanSupplier cancelled, ProgressListener progress) {
        check(tokens);
        run(tokens, LogitRows.LAST, cancelled, progress, (step, stop) -> model.decoder().run(step, stop, (row, logits) -> keep(logits)));
        logitsValid = true;
    }

    /** Adds tokens and hands over the logits after each of them; the caller has entered. */
    void feedAll(int[] tokens, RowSink sink) {
        check(tokens);
        run(tokens, LogitRows.ALL, () -> false, ProgressListener.NONE, (step, stop) -> model.decoder().run(step, stop, (row, logits) -> {
            keep(logits);
            sink.accept(row, logits);
        }));
        logitsValid = true;
    }

    /** Adds tokens and hands over the hidden state of each after the final norm; the caller has entered. There are no logits then. */
    void feedHidden(int[] tokens, RowSink sink) {
        check(tokens);
        run(tokens, LogitRows.ALL, () -> false, ProgressListener.NONE, (step, stop) -> model.decoder().runHidden(step, stop, sink));
    }

    /**
     * Keeps of the text what a new one begins with and forgets the rest; all of it where the cache cannot go back that far. At least one token of the
     * new text is left to be fed. The caller has entered.
     *
     * @return how many tokens of the new text are held
     */
    int keepPrefix(int[] tokens) {
        int held = cache.tokens();
        int common = Arrays.mismatch(history, 0, held, tokens, 0, tokens.length - 1);
        if (common >= 0 && common < held) {
            logitsValid = false;
            if (!model.decoder().truncate(cache, common)) {
                cache.clear();
            }
        }
        return cache.tokens();
    }

    /** The scores for the next token, without a copy; the caller has entered. */
    float[] lastLogits() {
        return lastLogits;
    }

    /** The tokens so far; the caller has entered. */
    int[] history() {
        return Arrays.copyOf(history, cache.tokens());
    }

    /** What draws tokens on the device, where that is possible. */
    Optional<DrawnTokens> drawnTokens(Sampler sampler) {
        return model.decoder().drawnTokens(cache, sampler);
    }

    /** What draws tokens on the device among some, where that is possible. */
    Optional<MaskedTokens> maskedTokens(Sampler sampler) {
        return model.decoder().maskedTokens(cache, sampler);
    }

    /** Adds tokens in steps, the last of which is queued with the draw of the token after it; the caller has entered. */
    void feed(int[] tokens, DrawnTokens drawn, BooleanSupplier cancelled, ProgressListener progress) {
        check(tokens);
        run(tokens, LogitRows.LAST, cancelled, progress, (step, stop) -> {
            if (step.logitRowCount() == 0) {
                model.decoder().run(step, stop, (row, logits) -> {});
            } else {
                drawn.queue(step, stop);
            }
        });
    }

    /** Adds tokens in steps, the last of which is left to who draws the token after it; the caller has entered. */
    void feed(int[] tokens, MaskedTokens masked, BooleanSupplier cancelled, ProgressListener progress) {
        check(tokens);
        run(tokens, LogitRows.LAST, cancelled, progress, (step, stop) -> {
            if (step.logitRowCount() == 0) {
                model.decoder().run(step, stop, (row, logits) -> {});
            } else {
                masked.feed(step);
            }
        });
    }

    /** The token after what was fed, among those that are allowed; the caller has entered. */
    int draw(MaskedTokens masked, long[] allowed, boolean ahead, BooleanSupplier cancelled) {
        return masked.draw(allowed, ahead, stop(cancelled));
    }

    /** The token after what was fed is known; the caller has entered. */
    void skip(MaskedTokens masked, BooleanSupplier cancelled) {
        masked.skip(stop(cancelled));
    }

    /** Feeds the last token once more, for its logits; the caller has entered. */
    void repeatLast(BooleanSupplier cancelled) {
        int[] text = history();
        int kept = keepPrefix(text);
        feed(Arrays.copyOfRange(text, kept, text.length), cancelled, ProgressListener.NONE);
    }

    /** Queues the step of a token that is drawn but not taken, where that is possible; the caller has entered. */
    void queueNext(DrawnTokens drawn, BooleanSupplier cancelled) {
        drawn.queueNext(stop(cancelled));
    }

    /** The earliest token that is drawn but not taken: the one that the device takes for the next; the caller has entered. */
    int take(DrawnTokens drawn) {
        int token = drawn.take();
        int held = cache.tokens();
        if (history.length == held) {
            history = Arrays.copyOf(history, 2 * held);
        }
        history[held] = token;
        return token;
    }

    private BooleanSupplier stop(BooleanSupplier cancelled) {
        return () -> closing || Thread.currentThread().isInterrupted() || cancelled.getAsBoolean();
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
        if (history.length < held + tokens.length) {
            history = Arrays.copyOf(history, Math.max(2 * history.length, held + tokens.length));
        }
        System.arraycopy(tokens, 0, history, held, tokens.length);
        int stepTokens = model.decoder().maxStepRows();
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

    private void keep(float[] logits) {
        System.arraycopy(logits, 0, lastLogits, 0, logits.length);
    }
}
