package io.gemma4j;

import io.gemma4j.backend.BackendProvider;
import io.gemma4j.backend.ModelBackend;
import io.gemma4j.chat.KnownTemplates;
import io.gemma4j.gguf.GgufFile;
import io.gemma4j.gguf.GgufTensor;
import io.gemma4j.grammar.TokenTrie;
import io.gemma4j.model.Gemma4Config;
import io.gemma4j.model.Gemma4Decoder;
import io.gemma4j.model.Gemma4Weights;
import io.gemma4j.model.KvLayout;
import io.gemma4j.os.PageLock;
import io.gemma4j.sampling.SamplingMetadata;
import io.gemma4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A Gemma 4 model, loaded from a GGUF file.
 *
 * {@snippet :
 * try (Gemma4 model = Gemma4.load(Path.of("gemma-4-31B-it-Q4_K_M.gguf"))) {
 *     System.out.println(model.generate("Why is the sky blue?"));
 * }
 * }
 *
 * <p>Thread-safe: any number of threads may generate at once; their steps take turns on the device. Owns the mapped file, the backend and its
 * memory, and every session that is still open; {@link #close()} frees all of it and ends what is running.
 */
public final class Gemma4 implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Gemma4.class);
    private static final String CHAT_TEMPLATE = "tokenizer.chat_template";

    private final Arena arena;
    private final GgufFile file;
    private final Gemma4Config config;
    private final Tokenizer tokenizer;
    private final SamplingOptions samplingDefaults;
    private final ModelBackend backend;
    private final Gemma4Decoder decoder;
    private final int contextTokens;
    private final List<PageLock> pageLocks;
    private final Duration loadTime;
    private final OpenSessions sessions;
    private final AtomicBoolean templateReported = new AtomicBoolean();
    private final Object tokenTrieLock = new Object();
    private final Object fingerprintLock = new Object();
    private TokenTrie tokenTrie;
    private byte[] fingerprint;

    private Gemma4(Arena arena, GgufFile file, ModelBackend backend, LoadOptions options, long startNanos) {
        this.arena = arena;
        this.file = file;
        this.backend = backend;
        this.config = Gemma4Config.of(file);
        this.tokenizer = tokenizer(file, config);
        this.samplingDefaults = SamplingMetadata.read(file.metadata());
        int longestContext = ModelMemory.contextTokens(config, options);
        // Fails for heads that the type cannot hold, before the weights are read.
        KvLayout.of(config, longestContext, 1, options.kvType());
        WeightUpload upload = new WeightUpload(backend, file, options.progress());
        Gemma4Weights weights = Gemma4Weights.of(file, config, upload);
        upload.finish();
        int wantedRows = options.prefillTokens() > 0 ? options.prefillTokens() : backend.preferredStepRows();
        int stepRows = backend.maxStepRows(Math.min(wantedRows, longestContext), Gemma4Decoder.scratchBytesPerRow(config));
        boolean fit = options.contextTokens() == LoadOptions.FIT_MEMORY;
        this.contextTokens = fit ? ModelMemory.fit(config, options, stepRows, backend, weights) : longestContext;
        this.decoder = new Gemma4Decoder(config, weights, backend, Math.min(stepRows, contextTokens));
        this.sessions = new OpenSessions(this, options);
        this.pageLocks = options.lockMemory() ? lockPages(file) : List.of();
        this.loadTime = Duration.ofNanos(System.nanoTime() - startNanos);
    }

    /**
     * Loads a model with default options.
     *
     * @param path a GGUF file; of a split model, any of its parts
     * @return the model; the caller closes it
     * @throws IOException if the file cannot be read
     * @throws ModelFormatException if it is damaged or no Gemma 4 model
     * @throws BackendUnavailableException if nothing can run it here
     */
    public static Gemma4 load(Path path) throws IOException {
        return load(path, LoadOptions.defaults());
    }

    /**
     * Loads a model.
     *
     * @param path a GGUF file; of a split model, any of its parts
     * @param change of the default options
     * @return the model; the caller closes it
     * @throws IOException if the file cannot be read
     * @throws ModelFormatException if it is damaged or no Gemma 4 model
     * @throws BackendUnavailableException if the backend that was asked for cannot run here
     * @throws IllegalArgumentException if more context is asked for than the model was made for, or a type of cache that cannot hold its heads
     * @throws Gemma4Exception if the context is to be fitted and there is no memory for a short one
     * @throws CancellationException if the progress listener aborts
     */
    public static Gemma4 load(Path path, UnaryOperator<LoadOptions> change) throws IOException {
        return load(path, change.apply(LoadOptions.defaults()));
    }

    /**
     * Loads a model.
     *
     * @param path a GGUF file; of a split model, any of its parts
     * @param options how
     * @return the model; the caller closes it
     * @throws IOException if the file cannot be read
     * @throws ModelFormatException if it is damaged or no Gemma 4 model
     * @throws BackendUnavailableException if the backend that was asked for cannot run here
     * @throws IllegalArgumentException if more context is asked for than the model was made for, or a type of cache that cannot hold its heads
     * @throws Gemma4Exception if the context is to be fitted and there is no memory for a short one
     * @throws CancellationException if the progress listener aborts
     */
    public static Gemma4 load(Path path, LoadOptions options) throws IOException {
        return load(path, options, BackendSelection.installed());
    }

    /** As above, with a choice of backends other than those that are installed. */
    static Gemma4 load(Path path, LoadOptions options, List<BackendProvider> providers) throws IOException {
        LoadEvent event = new LoadEvent();
        event.begin();
        long start = System.nanoTime();
        Arena arena = Arena.ofShared();
        ModelBackend backend = null;
        try {
            GgufFile file = GgufFile.open(path, arena);
            Gemma4Config.of(file); // a file that is none of ours is refused before a device is touched
            backend = BackendSelection.open(options.backend(), ModelMemory.backendOptions(options, file), providers);
            Gemma4 model = new Gemma4(arena, file, backend, options, start);
            event.commit(path, file.bytes(), backend.name());
            return model;
        } catch (IOException | RuntimeException | Error e) {
            if (backend != null) {
                backend.close();
            }
            arena.close();
            throw e;
        }
    }

    /**
     * Memory a model would take, from its header alone; with {@link LoadOptions#FIT_MEMORY} also from what the backend, which is opened for that, has
     * free.
     *
     * @param path a GGUF file
     * @param options as for loading; the context length and the type of the cache matter
     * @return bytes, by purpose
     * @throws IOException if the file cannot be read
     * @throws ModelFormatException if it is damaged or no Gemma 4 model
     * @throws IllegalArgumentException if more context is asked for than the model was made for, or a type of cache that cannot hold its heads
     * @throws BackendUnavailableException if the context is to be fitted and the backend that was asked for cannot run here
     * @throws Gemma4Exception if the context is to be fitted and there is no memory for a short one
     */
    public static MemoryEstimate estimateMemory(Path path, LoadOptions options) throws IOException {
        return ModelMemory.estimate(path, options, BackendSelection.installed());
    }

    private static List<PageLock> lockPages(GgufFile file) {
        List<PageLock> locks = file.segments().stream().map(PageLock::of).toList();
        locks.stream().flatMap(lock -> lock.refusal().stream()).findFirst()
                .ifPresent(reason -> LOG.warn("The weights of {} may be evicted from physical memory: {}", file.path(), reason));
        return locks;
    }

    private static Tokenizer tokenizer(GgufFile file, Gemma4Config config) {
        Tokenizer tokenizer = Tokenizer.of(file.metadata());
        if (tokenizer.vocabularySize() != config.vocabulary()) {
            throw file.metadata().unexpected("tokenizer.ggml.tokens", config.vocabulary() + " tokens, as many as the embedding has rows",
                    tokenizer.vocabularySize());
        }
        return tokenizer;
    }

    /**
     * Answers a prompt as one turn of a conversation, with the model's default sampling.
     *
     * @param prompt what the user says
     * @return the answer
     * @throws ContextOverflowException if the prompt does not fit the context
     * @throws IllegalStateException if the model is closed
     */
    public String generate(String prompt) {
        return prompt(prompt).generate().text();
    }

    /**
     * Starts a request whose options can be set before it is run.
     *
     * @param prompt what the user says
     * @return the request
     */
    public GenerationRequest prompt(String prompt) {
        return new GenerationRequest(this, prompt);
    }

    /**
     * Sets up a conversation. Where the file has a template that is not Gemma 4's own, a warning says so once; prompts follow Gemma 4's format.
     *
     * @return a builder
     */
    public Chat.Builder chat() {
        file.metadata().findString(CHAT_TEMPLATE).filter(template -> !KnownTemplates.isKnown(template) && !templateReported.getAndSet(true))
                .ifPresent(template -> LOG.warn("{} has a chat template of its own (SHA-256 {}); prompts follow Gemma 4's published format instead",
                        file.path(), KnownTemplates.hash(template)));
        return new Chat.Builder(this);
    }

    /**
     * How likely the model finds a continuation of a text; nothing is drawn.
     *
     * @param prompt plain text; may be empty
     * @param continuation what comes after it, encoded by itself
     * @return the log-probability of each token of the continuation
     * @throws ContextOverflowException if both do not fit the context
     * @throws IllegalArgumentException if the continuation is empty
     * @throws IllegalStateException if the model is closed
     */
    public Score score(String prompt, String continuation) {
        return score(tokenizer.encode(prompt), tokenizer.encode(continuation, false), 0);
    }

    /**
     * How likely the model finds given tokens; nothing is drawn.
     *
     * @param prompt token ids, as they are: nothing is put before them
     * @param continuation the ids of the tokens after them
     * @param top how many of the most likely tokens to tell at each place of the continuation; 0 for none
     * @return the log-probability of each token of the continuation
     * @throws ContextOverflowException if both do not fit the context
     * @throws IllegalArgumentException if one of both is empty or holds what is no token, or {@code top} is negative
     * @throws IllegalStateException if the model is closed
     */
    public Score score(int[] prompt, int[] continuation, int top) {
        return TextScoring.score(this, prompt, continuation, top);
    }

    /**
     * A text as a vector: texts of similar meaning tend to have similar directions. The mean of the hidden states after the final norm.
     *
     * @param text plain text; may be empty
     * @return as many elements as the model is wide, of Euclidean length 1
     * @throws ContextOverflowException if it does not fit the context
     * @throws IllegalStateException if the model is closed
     */
    public float[] embed(String text) {
        return embed(text, Pooling.MEAN);
    }

    /**
     * A text as a vector.
     *
     * @param text plain text; may be empty
     * @param pooling of the hidden states after the final norm, that of the token before every text included
     * @return as many elements as the model is wide, of Euclidean length 1
     * @throws ContextOverflowException if it does not fit the context
     * @throws IllegalStateException if the model is closed
     */
    public float[] embed(String text, Pooling pooling) {
        return TextEmbedding.of(this, tokenizer.encode(text), Objects.requireNonNull(pooling, "pooling"));
    }

    /**
     * Opens an empty session.
     *
     * @return the session; the caller closes it
     * @throws IllegalStateException if the model is closed
     */
    public Session newSession() {
        return sessions.open(contextTokens);
    }

    /**
     * Opens a session with the text that {@link Session#save} has written, keys and values included.
     *
     * @param file of a session of this model, with the same type of cache; backend and context may be others
     * @return the session; the caller closes it
     * @throws IOException if the file cannot be read
     * @throws SessionFormatException if it is damaged, or of another version, model or type of cache
     * @throws ContextOverflowException if its text does not fit the context
     * @throws IllegalStateException if the model is closed
     * @throws CancellationException if the thread is interrupted or the model is closed meanwhile
     */
    public Session restoreSession(Path file) throws IOException {
        Session session = newSession();
        session.enter();
        try {
            SessionFile.read(file, this, session.text(), session::isClosing);
        } catch (IOException | RuntimeException | Error e) {
            session.beginClose(); // freed as it is left
            throw e;
        } finally {
            session.exit();
        }
        return session;
    }

    /**
     * The model's tokenizer.
     *
     * @return thread-safe, usable also after the model is closed
     */
    public Tokenizer tokenizer() {
        return tokenizer;
    }

    /**
     * What is known of the model.
     *
     * @return facts from the file, and where it runs
     */
    public ModelInfo info() {
        Map<String, Integer> types = new TreeMap<>();
        long parameters = 0;
        for (GgufTensor tensor : file.tensors()) {
            types.merge(tensor.type().name(), 1, Integer::sum);
            parameters += tensor.elements();
        }
        return new ModelInfo(config.name(), Gemma4Config.ARCHITECTURE, parameters, file.bytes(), types, config.layers().size(),
                config.vocabulary(), config.contextTokens(), contextTokens, backend.describe());
    }

    /**
     * How it was loaded.
     *
     * @return the options as they were given
     */
    public LoadOptions loadOptions() {
        return sessions.options();
    }

    /**
     * The sampling options that requests start from.
     *
     * @return what the file recommends, else the library's defaults
     */
    public SamplingOptions samplingDefaults() {
        return samplingDefaults;
    }

    /** Ends what is running and frees everything, open sessions included. May be called from any thread, and more than once. */
    @Override
    public void close() {
        if (!sessions.close()) {
            return;
        }
        decoder.whenIdle(() -> {
            backend.close();
            pageLocks.forEach(PageLock::close);
            arena.close();
        });
    }

    Gemma4Decoder decoder() {
        return decoder;
    }

    int contextTokens() {
        return contextTokens;
    }

    /** The vocabulary as constraints need it; made when it is first asked for. */
    TokenTrie tokenTrie() {
        synchronized (tokenTrieLock) {
            if (tokenTrie == null) {
                tokenTrie = new TokenTrie(tokenizer);
            }
            return tokenTrie;
        }
    }

    /** What tells the model from others; made when it is first asked for. */
    byte[] fingerprint() {
        synchronized (fingerprintLock) {
            if (fingerprint == null) {
                fingerprint = ModelFingerprint.of(file);
            }
            return fingerprint.clone();
        }
    }

    OpenSessions sessions() {
        return sessions;
    }

    int hiddenWidth() {
        return config.hidden();
    }

    Duration loadTime() {
        return loadTime;
    }

    int openSessions() {
        return sessions.count();
    }
}
