package io.gemma4j;

import io.gemma4j.tokenizer.StreamDecoder;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;

/** One generation, advanced by whoever wants its next piece of text. Owns its session, unless it is lent. One thread at a time. */
final class GenerationRun implements AutoCloseable {
    private final Gemma4 model;
    private final GenerationRequest request;
    private final Session session;
    private final TokenRun run;
    private final StreamDecoder decoder;
    private final StopMatcher stops;
    private final ConstrainedText constrained; // null if any text will do
    private final int limitTokens;
    private final StringBuilder text = new StringBuilder();
    private FinishReason finishReason;
    private boolean closed;

    /** Checks that the prompt fits before anything is allocated. */
    GenerationRun(Gemma4 model, GenerationRequest request, int[] prompt, BooleanSupplier cancelled) {
        this.model = model;
        this.request = request;
        if (prompt.length > model.contextTokens()) {
            throw new ContextOverflowException(prompt.length, 0, model.contextTokens());
        }
        limitTokens = Math.min(request.maxTokenCount(), ConstrainedText.roomTokens(model, prompt.length));
        constrained = request.requiredForm().map(form -> ConstrainedText.of(model, form, request.maxTokenCount(), prompt.length)).orElse(null);
        decoder = model.tokenizer().newStreamDecoder();
        stops = new StopMatcher(request.stopStrings());
        session = request.lentSession() == null ? model.sessions().begin(prompt) : request.lentSession();
        try {
            run = new TokenRun(model, session, prompt, request.samplingOptions(), cancelled, request.progressListener(),
                    request.maxTokenCount(), request.logprobCount(), constrained != null);
        } catch (RuntimeException e) {
            release();
            throw e;
        }
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
            if (!session.isClosing()) {
                throw e; // somebody else uses the session that was lent
            }
            return finish(FinishReason.CANCELLED); // the model was closed
        }
        try {
            return piece(draw());
        } catch (CancellationException e) {
            return finish(FinishReason.CANCELLED);
        } finally {
            session.exit();
        }
    }

    private int draw() {
        return constrained == null ? run.draw()
                : run.draw(draw -> constrained.draw(draw, limitTokens - run.tokens().size()));
    }

    private String piece(int token) {
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
        if (constrained != null && constrained.isComplete()) {
            return piece + finish(FinishReason.STOP);
        }
        if (run.tokens().size() == request.maxTokenCount()) {
            return piece + finish(FinishReason.MAX_TOKENS);
        }
        return run.isFull() ? piece + finish(FinishReason.CONTEXT_FULL) : piece;
    }

    // Returns the text that was held back.
    private String finish(FinishReason reason) {
        String rest = stops.accept(decoder.flush());
        finishReason = stops.stopped() ? FinishReason.STOP_SEQUENCE : reason;
        return rest + stops.flush();
    }

    /** What came of it, complete or not. */
    Generation result() {
        return new Generation(text.toString(), run.tokens(), run.logprobs(), reason(), run.usage(), run.timings());
    }

    private FinishReason reason() {
        return finishReason == null ? FinishReason.CANCELLED : finishReason;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            try {
                run.end(reason());
            } finally {
                release();
            }
        }
    }

    private void release() {
        if (request.lentSession() == null) {
            model.sessions().end(session);
        }
    }
}
