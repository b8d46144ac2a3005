package io.gemma4j;

import io.gemma4j.backend.KvCache;
import io.gemma4j.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
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
    private final SessionText text;
    private final int contextTokens;
    private final AtomicReference<Thread> user = new AtomicReference<>();
    private volatile boolean closing;
    private boolean released;

    Session(Gemma4 model, KvCache cache, int vocabulary) {
        this.model = model;
        this.contextTokens = cache.contextTokens();
        this.text = new SessionText(model.decoder(), cache, vocabulary, () -> closing);
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
            text.feed(tokens, () -> false, ProgressListener.NONE);
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
            text.feedAll(tokens, (row, logits) ->
                    afterEach.accept(new Logits(logits, model.samplingDefaults(), text.history(text.cache().tokens() + row + 1))));
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
            requireLogits();
            return new Logits(text.lastLogits(), model.samplingDefaults(), text.history());
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
        return text.cache().tokens();
    }

    /**
     * How many tokens the session can hold.
     *
     * @return tokens
     */
    public int contextTokens() {
        return contextTokens;
    }

    /**
     * Forgets the text; the session can be used for another.
     *
     * @throws IllegalStateException if the session is closed or another call is running
     */
    public void clear() {
        enter();
        try {
            text.clear();
        } finally {
            exit();
        }
    }

    /**
     * A second session with the same text, which goes its own way from here: its keys and values are copied, not computed.
     *
     * @return the session, with the {@link #logits()} of this one; the caller closes it
     * @throws Gemma4Exception if there is no memory for it
     * @throws IllegalStateException if the session is closed or another call is running
     * @throws CancellationException if the thread is interrupted or the session is closed meanwhile
     */
    public Session fork() {
        enter();
        try {
            return fork(text.cache().tokens());
        } finally {
            exit();
        }
    }

    /** A session with the first tokens of this one, or fewer where it cannot be taken back to so many; the caller has entered. */
    Session fork(int tokens) {
        Session fork = model.sessions().open(contextTokens);
        try {
            fork.text.copy(text, tokens);
            return fork;
        } catch (RuntimeException | Error e) {
            fork.close();
            throw e;
        }
    }

    /**
     * Goes back to an earlier place in the text and forgets what came after it. That is done at once near the end of the text and near
     * {@linkplain #checkpoint() checkpoints}; elsewhere the text is read again from the last checkpoint before that place, or from its start.
     *
     * @param tokens how many to keep, the first ones
     * @return this session, whose {@link #logits()} are those after the last token that is kept
     * @throws IllegalArgumentException if the session does not hold so many
     * @throws IllegalStateException if the session is closed or another call is running
     * @throws CancellationException if the thread is interrupted or the session is closed meanwhile; {@link #tokens()} tells how many are held
     */
    public Session rewind(int tokens) {
        enter();
        try {
            int[] history = text.history();
            if (tokens < 0 || tokens > history.length) {
                throw new IllegalArgumentException(tokens + " tokens cannot be kept of " + history.length);
            }
            if (tokens == 0) {
                text.clear();
            } else if (tokens < history.length || !text.hasLogits()) {
                text.rewind(tokens - 1); // the last one is read again, for its logits
                text.feed(Arrays.copyOfRange(history, text.cache().tokens(), tokens), () -> false, ProgressListener.NONE);
                text.checkpoint(tokens);
            }
        } finally {
            exit();
        }
        return this;
    }

    /**
     * Notes the end of the text as a place that {@link #rewind} can come back to fast. Costs nothing until the text has grown by some windows of
     * the model, then memory up to {@link LoadOptions#checkpointBytes()} in all, for which the oldest ones make room. Of checkpoints that are closer
     * together than a window, some are given up. Chats set their own.
     *
     * @return this session
     * @throws IllegalStateException if the session is closed or another call is running
     */
    public Session checkpoint() {
        enter();
        try {
            text.checkpoint(text.cache().tokens());
        } finally {
            exit();
        }
        return this;
    }

    /**
     * Writes the text with its keys and values to a file, for {@link Gemma4#restoreSession}. The file takes the place of an earlier one only when
     * it is complete. Checkpoints are not part of it.
     *
     * @param file to be written
     * @throws IOException if it cannot be written
     * @throws IllegalStateException if the session is closed or another call is running
     * @throws CancellationException if the thread is interrupted or the session is closed meanwhile
     */
    public void save(Path file) throws IOException {
        enter();
        try {
            SessionFile.write(file, model, text, () -> closing);
        } finally {
            exit();
        }
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
            text.close();
            model.sessions().forget(this);
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
            requireLogits();
            Sampler sampler = new Sampler(sampling, text.lastLogits().length);
            for (int token : text.history()) {
                sampler.accept(token);
            }
            int token = sampler.sample(text.lastLogits());
            try (TokenDraw draw = TokenDraw.of(text, sampler, () -> false, false, false)) {
                for (int drawn = 1; more.test(token) && drawn < maxTokens && tokens() < contextTokens; drawn++) {
                    sampler.accept(token);
                    draw.feed(new int[] {token}, ProgressListener.NONE);
                    token = draw.draw(null, drawn + 1 < maxTokens);
                }
            } finally {
                text.dropLogits();
            }
        } finally {
            exit();
        }
        return this;
    }

    private void requireLogits() {
        if (!text.hasLogits()) {
            throw new IllegalStateException("there are no logits: feed tokens first");
        }
    }

    /** What it holds, for those who have entered. */
    SessionText text() {
        return text;
    }
}
