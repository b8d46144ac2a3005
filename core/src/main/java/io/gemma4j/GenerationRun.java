package io.gemma4j;

import io.gemma4j.sampling.Sampler;
import io.gemma4j.tokenizer.StreamDecoder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One generation, advanced by whoever wants its next piece of text. Owns its session. One thread at a time. */
final class GenerationRun implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Gemma4.class);
    private static final int SUSPICIOUS_RESERVED_TOKENS = 8;

    private final Gemma4 model;
    private final GenerationRequest request;
    private final int[] prompt;
    private final BooleanSupplier cancelled;
    private final Session session;
    private final Sampler sampler;
    private final StreamDecoder decoder;
    private final StopMatcher stops;
    private final GenerationEvent event = new GenerationEvent();
    private final long startNanos = System.nanoTime();
    private final StringBuilder text = new StringBuilder();
    private final List<Integer> tokens = new ArrayList<>();
    private final List<List<TokenLogprob>> logprobs = new ArrayList<>();
    private long firstTokenNanos;
    private long prefillNanos;
    private long lastTokenNanos;
    private int reservedTokensInARow;
    private FinishReason finishReason;
    private boolean closed;

    /** Checks that the prompt fits before anything is allocated. */
    GenerationRun(Gemma4 model, GenerationRequest request, int[] prompt, BooleanSupplier cancelled) {
        this.model = model;
        this.request = request;
        this.prompt = prompt;
        this.cancelled = cancelled;
        if (prompt.length > model.contextTokens()) {
            throw new ContextOverflowException(prompt.length, 0, model.contextTokens());
        }
        event.begin();
        sampler = new Sampler(request.samplingOptions(), model.tokenizer().vocabularySize());
        decoder = model.tokenizer().newStreamDecoder();
        stops = new StopMatcher(request.stopStrings());
        session = model.newSession();
    }

    /** The next piece of text, never empty; null when the generation has ended. */
    String next() {
        while (finishReason == null) {
            String piece = advance();
            if (!piece.isEmpty()) {
                text.append(piece);
                return piece;
            }
        }
        return null;
    }

    /** Whether there is no next piece. */
    boolean hasEnded() {
        return finishReason != null;
    }

    private String advance() {
        try {
            session.enter();
        } catch (IllegalStateException e) {
            return finish(FinishReason.CANCELLED); // the model was closed
        }
        try {
            if (tokens.isEmpty()) {
                prefill();
            } else {
                decodeStep();
            }
            return draw();
        } catch (CancellationException e) {
            return finish(FinishReason.CANCELLED);
        } finally {
            session.exit();
        }
    }

    private void prefill() {
        PrefillEvent prefill = new PrefillEvent();
        prefill.begin();
        long start = System.nanoTime();
        session.feed(prompt, cancelled, request.progressListener());
        prefillNanos = System.nanoTime() - start;
        prefill.tokens = prompt.length;
        prefill.commit();
        for (int token : prompt) {
            sampler.accept(token);
        }
    }

    private void decodeStep() {
        DecodeStepEvent step = new DecodeStepEvent();
        step.begin();
        step.position = session.tokens();
        session.feed(new int[] {tokens.getLast()}, cancelled, ProgressListener.NONE);
        step.commit();
    }

    private String draw() {
        float[] logits = session.lastLogits();
        if (request.logprobCount() > 0) {
            logprobs.add(sampler.topLogprobs(logits, request.logprobCount()));
        }
        int token = sampler.sample(logits);
        sampler.accept(token);
        tokens.add(token);
        lastTokenNanos = System.nanoTime();
        if (tokens.size() == 1) {
            firstTokenNanos = lastTokenNanos;
        }
        watchForReservedTokens(token);
        if (model.tokenizer().isEndOfGeneration(token)) {
            return finish(FinishReason.STOP);
        }
        if (request.isStopToken(token)) {
            return finish(FinishReason.STOP_SEQUENCE);
        }
        String piece = stops.accept(decoder.accept(token));
        if (stops.stopped()) {
            finishReason = FinishReason.STOP_SEQUENCE;
            return piece;
        }
        if (tokens.size() == request.maxTokenCount()) {
            return piece + finish(FinishReason.MAX_TOKENS);
        }
        return session.tokens() == session.contextTokens() ? piece + finish(FinishReason.CONTEXT_FULL) : piece;
    }

    // A sound model never produces these; several in a row mean that its weights or the kernels are broken.
    private void watchForReservedTokens(int token) {
        reservedTokensInARow = model.tokenizer().isUnused(token) ? reservedTokensInARow + 1 : 0;
        if (reservedTokensInARow == SUSPICIOUS_RESERVED_TOKENS) {
            LOG.warn("The model has produced {} reserved tokens in a row (last: {}): the file or the computation is probably broken",
                    reservedTokensInARow, model.tokenizer().tokenText(token));
        }
    }

    // Returns the text that was held back.
    private String finish(FinishReason reason) {
        String rest = stops.accept(decoder.flush());
        finishReason = stops.stopped() ? FinishReason.STOP_SEQUENCE : reason;
        return rest + stops.flush();
    }

    /** What came of it, complete or not. */
    Generation result() {
        TokenUsage usage = new TokenUsage(prompt.length, 0, tokens.size());
        Duration decode = Duration.ofNanos(tokens.isEmpty() ? 0 : lastTokenNanos - firstTokenNanos);
        Duration first = Duration.ofNanos(tokens.isEmpty() ? 0 : firstTokenNanos - startNanos);
        Timings timings = new Timings(model.loadTime(), first, Duration.ofNanos(prefillNanos), decode);
        return new Generation(text.toString(), tokens, logprobs, finishReason == null ? FinishReason.CANCELLED : finishReason, usage, timings);
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        session.close();
        event.promptTokens = prompt.length;
        event.generatedTokens = tokens.size();
        event.finishReason = result().finishReason().name();
        event.commit();
    }
}
