package io.gemma4j;

import io.gemma4j.chat.PromptRenderer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.Flow;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * A prompt with its options, set one after the other and then run:
 *
 * {@snippet :
 * model.prompt("Write a haiku about Java")
 *      .temperature(0.8f).topK(64).topP(0.95f).maxTokens(128).seed(7)
 *      .stream(piece -> System.out.print(piece));
 * }
 *
 * <p>May be run any number of times. To be used by one thread; running it from several at once is fine once its options are set.
 */
public final class GenerationRequest {
    private final Gemma4 model;
    private final String prompt;
    private SamplingOptions sampling;
    private boolean raw;
    private int maxTokens = Integer.MAX_VALUE;
    private List<String> stopStrings = List.of();
    private List<Integer> stopTokens = List.of();
    private int logprobs;
    private Constraint constraint;
    private ProgressListener progress = ProgressListener.NONE;
    private Cancellation cancellation = new Cancellation();
    private Session session;

    GenerationRequest(Gemma4 model, String prompt) {
        this.model = model;
        this.prompt = Objects.requireNonNull(prompt, "prompt");
        this.sampling = model.samplingDefaults();
    }

    /**
     * Whether the prompt is plain text to be continued, instead of what a user says in a conversation.
     *
     * @param value true for text to be continued
     * @return this request
     */
    public GenerationRequest raw(boolean value) {
        raw = value;
        return this;
    }

    /**
     * Changes the sampling options, all of which are explained there.
     *
     * @param change of the options so far
     * @return this request
     */
    public GenerationRequest sampling(UnaryOperator<SamplingOptions> change) {
        sampling = Objects.requireNonNull(change.apply(sampling), "sampling");
        return this;
    }

    /**
     * How much chance has a say.
     *
     * @param value 0 takes the most likely token
     * @return this request
     */
    public GenerationRequest temperature(float value) {
        return sampling(s -> s.temperature(value));
    }

    /**
     * Only the most likely tokens are drawn from.
     *
     * @param value how many; 0 for all
     * @return this request
     */
    public GenerationRequest topK(int value) {
        return sampling(s -> s.topK(value));
    }

    /**
     * Only the most likely tokens are drawn from, as many as it takes to reach a probability.
     *
     * @param value the probability; 1 for all
     * @return this request
     */
    public GenerationRequest topP(float value) {
        return sampling(s -> s.topP(value));
    }

    /**
     * Makes the draws repeatable.
     *
     * @param value any number
     * @return this request
     */
    public GenerationRequest seed(long value) {
        return sampling(s -> s.seed(value));
    }

    /**
     * Scores to be added to tokens.
     *
     * @param value by token id; negative infinity bans a token
     * @return this request
     */
    public GenerationRequest logitBias(Map<Integer, Float> value) {
        return sampling(s -> s.logitBias(value));
    }

    /**
     * Ends the generation after a number of tokens. Without this it may fill the context.
     *
     * @param value at least 1
     * @return this request
     * @throws IllegalArgumentException if it is less
     */
    public GenerationRequest maxTokens(int value) {
        if (value < 1) {
            throw new IllegalArgumentException("maxTokens must be at least 1, was " + value);
        }
        maxTokens = value;
        return this;
    }

    /**
     * Ends the generation where one of these would come up in the text; it is not part of the result.
     *
     * @param values none of them empty
     * @return this request
     * @throws IllegalArgumentException if one is empty
     */
    public GenerationRequest stop(String... values) {
        stopStrings = StopMatcher.checked(values);
        return this;
    }

    /**
     * Ends the generation when one of these is drawn, in addition to the tokens that end every generation.
     *
     * @param values token ids
     * @return this request
     * @throws IllegalArgumentException if one is outside the vocabulary
     */
    public GenerationRequest stopTokens(int... values) {
        int vocabulary = model.tokenizer().vocabularySize();
        for (int value : values) {
            if (value < 0 || value >= vocabulary) {
                throw new IllegalArgumentException("stopTokens must be from 0 to " + (vocabulary - 1) + ", was " + value);
            }
        }
        stopTokens = Arrays.stream(values).boxed().toList();
        return this;
    }

    /**
     * Asks for the log-probability of each token, and of the most likely ones at its place.
     *
     * @param count how many of the most likely ones; 0 for no log-probabilities at all
     * @return this request
     * @throws IllegalArgumentException if it is negative
     */
    public GenerationRequest logprobs(int count) {
        if (count < 0) {
            throw new IllegalArgumentException("logprobs must be at least 0, was " + count);
        }
        logprobs = count;
        return this;
    }

    /**
     * What the answer has to look like. The request cannot be run if it has stop strings or stop tokens as well, or fewer tokens than the shortest such
     * answer takes: that is an {@link IllegalArgumentException}.
     *
     * @param value held from the first token to the last
     * @return this request
     */
    public GenerationRequest constraint(Constraint value) {
        constraint = Objects.requireNonNull(value, "constraint");
        return this;
    }

    /**
     * Who is told how far the prompt has come.
     *
     * @param listener called by the generating thread
     * @return this request
     */
    public GenerationRequest progress(ProgressListener listener) {
        progress = Objects.requireNonNull(listener, "progress");
        return this;
    }

    /**
     * What can end the generation from another thread. Interrupting the generating thread does so too.
     *
     * @param value the switch
     * @return this request
     */
    public GenerationRequest cancellation(Cancellation value) {
        cancellation = Objects.requireNonNull(value, "cancellation");
        return this;
    }

    /**
     * Lends the request a session: what it holds of the prompt is not computed again, see {@link TokenUsage#cachedTokens()}.
     *
     * @param value of the same model; used by nobody else while the request runs, and closed by the caller; null for
     *     one of its own
     * @return this request
     * @throws IllegalArgumentException if it belongs to another model
     */
    public GenerationRequest session(Session value) {
        session = value == null ? null : value.requireModel(model);
        return this;
    }

    /**
     * Runs the request to its end.
     *
     * @return the answer with everything known about it; a cancelled generation returns what it had
     * @throws ContextOverflowException if the prompt does not fit the context
     * @throws IllegalStateException if the model is closed
     */
    public Generation generate() {
        return stream(piece -> {});
    }

    /**
     * Runs the request and hands over the text as it comes.
     *
     * @param onText takes pieces of text, none of them empty and none ending within a character; what it throws ends the generation and is thrown
     *     here
     * @return the answer with everything known about it
     * @throws ContextOverflowException if the prompt does not fit the context
     * @throws IllegalStateException if the model is closed
     */
    public Generation stream(Consumer<? super String> onText) {
        try (GenerationRun run = start()) {
            for (String piece = run.next(); piece != null; piece = run.next()) {
                onText.accept(piece);
            }
            return run.result();
        }
    }

    /**
     * The text as a stream whose consumer does the work: each element is generated when it is asked for. Close the stream unless it is read to its
     * end.
     *
     * @return pieces of text
     * @throws ContextOverflowException if the prompt does not fit the context
     * @throws IllegalStateException if the model is closed
     */
    public Stream<String> stream() {
        GenerationRun run = start();
        Spliterator<String> pieces = new Spliterators.AbstractSpliterator<>(Long.MAX_VALUE, Spliterator.ORDERED | Spliterator.NONNULL) {
            @Override
            public boolean tryAdvance(Consumer<? super String> action) {
                String piece = null;
                try {
                    piece = run.next();
                } finally {
                    if (piece == null) {
                        run.close();
                    }
                }
                if (piece != null) {
                    action.accept(piece);
                }
                return piece != null;
            }
        };
        return StreamSupport.stream(pieces, false).onClose(run::close);
    }

    /**
     * The text as a publisher. Each subscriber gets a generation of its own, on a virtual thread of its own, at the pace of its demand; cancelling
     * the subscription ends it. Where the model is closed or the request's {@link Cancellation} is thrown meanwhile, the pieces so far are all of
     * them, as in {@link #stream()}. What prevents the generation, a closed model for one, goes to {@code onError}.
     *
     * @return pieces of text
     */
    public Flow.Publisher<String> publisher() {
        return subscriber -> new GenerationSubscription(this, subscriber).start();
    }

    private GenerationRun start() {
        return start(() -> false);
    }

    /** Starts a run that {@code cancelled} can end as well as this request's own switch. */
    GenerationRun start(BooleanSupplier cancelled) {
        if (constraint != null && !(stopStrings.isEmpty() && stopTokens.isEmpty())) {
            throw new IllegalArgumentException("a constraint ends the answer by itself; stop strings and stop tokens cannot be combined with it");
        }
        int[] tokens = raw ? model.tokenizer().encode(prompt)
                : PromptRenderer.userTurn(model.tokenizer(), constraint == null ? prompt : constraint.tell(prompt));
        Cancellation own = cancellation;
        return new GenerationRun(model, this, tokens, () -> own.isCancelled() || cancelled.getAsBoolean());
    }

    Optional<Constraint> requiredForm() {
        return Optional.ofNullable(constraint);
    }

    SamplingOptions samplingOptions() {
        return sampling;
    }

    int maxTokenCount() {
        return maxTokens;
    }

    List<String> stopStrings() {
        return stopStrings;
    }

    boolean isStopToken(int token) {
        return stopTokens.contains(token);
    }

    int logprobCount() {
        return logprobs;
    }

    /** The session that was lent, or null. */
    Session lentSession() {
        return session;
    }

    ProgressListener progressListener() {
        return progress;
    }
}
