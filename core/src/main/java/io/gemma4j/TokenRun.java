package io.gemma4j;

import io.gemma4j.sampling.Sampler;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The tokens of one generation, one after the other, on a session that its user has entered; knows nothing of text. One thread at a time. */
final class TokenRun {
    private static final Logger LOG = LoggerFactory.getLogger(Gemma4.class);
    private static final int SUSPICIOUS_RESERVED_TOKENS = 8;

    private final Gemma4 model;
    private final Session session;
    private final int[] prompt;
    private final ProgressListener progress;
    private final int maxTokens;
    private final int logprobCount;
    private final Sampler sampler;
    private final TokenDraw draw;
    private final GenerationEvent event = new GenerationEvent();
    private final long startNanos = System.nanoTime();
    private final List<Integer> tokens = new ArrayList<>();
    private final List<TokenScore> logprobs = new ArrayList<>();
    private int cachedTokens;
    private long firstTokenNanos;
    private long prefillNanos;
    private long lastTokenNanos;
    private int reservedTokensInARow;

    /**
     * Runs nothing yet.
     *
     * @param maxTokens how many its user takes at most
     * @param logprobCount how many of the most likely tokens to note at each place
     * @param masked whether its user draws by a {@link TokenChoice}, and never without
     */
    TokenRun(Gemma4 model, Session session, int[] prompt, SamplingOptions sampling, BooleanSupplier cancelled, ProgressListener progress,
            int maxTokens, int logprobCount, boolean masked) {
        event.begin();
        this.model = model;
        this.session = session;
        this.prompt = prompt;
        this.progress = progress;
        this.maxTokens = maxTokens;
        this.logprobCount = logprobCount;
        this.sampler = new Sampler(sampling, model.tokenizer().vocabularySize());
        this.draw = TokenDraw.of(session.text(), sampler, cancelled, logprobCount > 0, masked);
    }

    /**
     * Draws the next token.
     *
     * @throws CancellationException if it is cancelled, interrupted or closed
     */
    int draw() {
        return take(advance(() -> draw.draw(null, mayGoOn())));
    }

    /** Whether a token may follow on the next one. */
    private boolean mayGoOn() {
        return tokens.size() + 1 < maxTokens;
    }

    /**
     * Takes what is chosen, if masks were announced.
     *
     * @throws CancellationException if it is cancelled, interrupted or closed
     */
    int draw(TokenChoice choice) {
        return take(advance(() -> {
            int token = choice.choose(allowed -> draw.draw(allowed, mayGoOn()));
            draw.skip();
            return token;
        }));
    }

    /**
     * Takes a token that was not drawn.
     *
     * @throws CancellationException if it is cancelled, interrupted or closed
     */
    int force(int token) {
        return take(advance(() -> {
            draw.skip();
            return token;
        }));
    }

    /** Brings the last token, or the prompt, through the model, and gives what is {@code next}. */
    private int advance(IntSupplier next) {
        return tokens.isEmpty() ? prefill(next) : decodeStep(next);
    }

    private int prefill(IntSupplier next) {
        PrefillEvent prefill = new PrefillEvent();
        prefill.begin();
        long start = System.nanoTime();
        cachedTokens = session.text().keepPrefix(prompt);
        for (int token : prompt) {
            sampler.accept(token);
        }
        draw.feed(Arrays.copyOfRange(prompt, cachedTokens, prompt.length), progress);
        session.text().checkpoint(prompt.length); // what follows may be said anew, or without its thoughts
        int token = next.getAsInt();
        prefillNanos = System.nanoTime() - start;
        prefill.tokens = prompt.length - cachedTokens;
        prefill.commit();
        return token;
    }

    private int decodeStep(IntSupplier next) {
        if (session.tokens() != prompt.length + tokens.size() - 1) {
            throw new IllegalStateException("somebody else has used the session between two tokens; a session belongs to one caller at a time");
        }
        DecodeStepEvent step = new DecodeStepEvent();
        step.begin();
        step.position = session.tokens();
        draw.feed(new int[] {tokens.getLast()}, ProgressListener.NONE);
        int token = next.getAsInt();
        step.commit();
        return token;
    }

    private int take(int token) {
        if (logprobCount > 0) {
            logprobs.add(sampler.score(session.text().lastLogits(), token, logprobCount));
        }
        sampler.accept(token);
        tokens.add(token);
        lastTokenNanos = System.nanoTime();
        if (tokens.size() == 1) {
            firstTokenNanos = lastTokenNanos;
        }
        watchForReservedTokens(token);
        return token;
    }

    // A sound model never produces these; several in a row mean that its weights or the kernels are broken.
    private void watchForReservedTokens(int token) {
        reservedTokensInARow = model.tokenizer().isUnused(token) ? reservedTokensInARow + 1 : 0;
        if (reservedTokensInARow == SUSPICIOUS_RESERVED_TOKENS) {
            LOG.warn("The model has produced {} reserved tokens in a row (last: {}): the file or the computation is probably broken",
                    reservedTokensInARow, model.tokenizer().tokenText(token));
        }
    }

    /** The tokens so far, the one that ended the generation included. */
    List<Integer> tokens() {
        return tokens;
    }

    /** How likely each token was, if that is noted. */
    List<TokenScore> logprobs() {
        return logprobs;
    }

    /** Whether there is no room for another token. */
    boolean isFull() {
        return session.tokens() == session.contextTokens();
    }

    TokenUsage usage() {
        return new TokenUsage(prompt.length, cachedTokens, tokens.size());
    }

    Timings timings() {
        Duration decode = Duration.ofNanos(tokens.isEmpty() ? 0 : lastTokenNanos - firstTokenNanos);
        Duration first = Duration.ofNanos(tokens.isEmpty() ? 0 : firstTokenNanos - startNanos);
        return new Timings(model.loadTime(), first, Duration.ofNanos(prefillNanos), decode);
    }

    /** Ends the generation and records it. */
    void end(FinishReason reason) {
        draw.close();
        event.promptTokens = prompt.length;
        event.generatedTokens = tokens.size();
        event.finishReason = reason.name();
        event.commit();
    }
}
