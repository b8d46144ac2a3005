package io.gemma4j.examples.hub;

import io.gemma4j.Gemma4;
import io.gemma4j.LoadOptions;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Models of the Hugging Face Hub as files of this machine: downloaded when they are asked for the first time, and checked against the Hub's hashes.
 *
 * {@snippet :
 * try (Gemma4 model = ModelHub.fromEnvironment().load("hf:OWNER/REPO:Q4_K_M", LoadOptions.defaults())) {
 *     System.out.println(model.generate("Why is the sky blue?"));
 * }
 * }
 *
 * <p>Thread-safe. Any number of processes may share a cache: one downloads a content, the others wait for it.
 */
public final class ModelHub {
    private static final Duration FIRST_WAIT = Duration.ofSeconds(1);

    private final HubSettings settings;
    private final Duration firstWait;

    /**
     * A hub with settings of one's own.
     *
     * @param settings where it and its cache are
     */
    public ModelHub(HubSettings settings) {
        this(settings, FIRST_WAIT);
    }

    ModelHub(HubSettings settings, Duration firstWait) {
        this.settings = settings;
        this.firstWait = firstWait;
    }

    /**
     * The hub that the environment variables name.
     *
     * @return by default huggingface.co and the cache in the user's folder
     * @throws IOException if the file with the token cannot be read
     */
    public static ModelHub fromEnvironment() throws IOException {
        return new ModelHub(HubSettings.of(System.getenv(), Path.of(System.getProperty("user.home"))));
    }

    /**
     * Loads a model.
     *
     * @param model {@code hf:OWNER/REPO:QUANT} or the name of a file
     * @param options how
     * @return the model; the caller closes it
     * @throws IOException if it cannot be had or read
     */
    public Gemma4 load(String model, LoadOptions options) throws IOException {
        return Gemma4.load(file(model, DownloadProgress.NONE), options);
    }

    /**
     * The file of a model.
     *
     * @param model {@code hf:OWNER/REPO:QUANT}, which is downloaded unless it is there, or the name of a file, which is returned as it is
     * @param progress told how far a download has come
     * @return a GGUF file; of a split model, the first part
     * @throws HubException if the Hub has no such model, does not give it away, or sends something else
     * @throws FileNotFoundException if the repository has no such file, or offline, the cache has not
     * @throws IOException if the Hub cannot be reached or the cache cannot be written
     * @throws IllegalArgumentException if the reference has another form
     */
    public Path file(String model, DownloadProgress progress) throws IOException {
        return HubReference.isOne(model) ? file(HubReference.parse(model), progress) : Path.of(model);
    }

    private Path file(HubReference reference, DownloadProgress progress) throws IOException {
        RepositoryCache cache = RepositoryCache.of(settings.cache(), reference);
        if (settings.offline()) {
            return cached(cache, reference).orElseThrow(() -> new FileNotFoundException(
                    reference.repository() + ": HF_HUB_OFFLINE is set, and there is no such model in " + settings.cache()));
        }
        try (HubClient client = new HubClient(settings, firstWait)) {
            HubRevision revision;
            try {
                revision = client.revision(reference);
            } catch (HubException e) {
                throw e;
            } catch (IOException e) {
                // Without a network, what is there will do.
                return cached(cache, reference).orElseThrow(() -> new IOException(settings.endpoint() + " cannot be reached: " + reason(e), e));
            }
            return download(client, cache, reference, revision, progress);
        }
    }

    private static String reason(IOException e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    private Path download(HubClient client, RepositoryCache cache, HubReference reference, HubRevision revision, DownloadProgress progress) throws IOException {
        List<String> names = GgufChoice.choose(reference, revision.files().stream().map(HubFile::name).toList());
        List<Path> files = new ArrayList<>();
        for (String name : names) {
            HubFile file = revision.files().stream().filter(each -> each.name().equals(name)).findFirst().orElseThrow();
            Path blob = cache.blob(file);
            if (!isComplete(blob, file)) {
                try (ContentLock _ = ContentLock.acquire(cache.lock(file))) {
                    if (!isComplete(blob, file)) {
                        new BlobDownload(client, reference, revision.commit(), file, blob, settings.stall(), firstWait, progress).run();
                    }
                }
            }
            files.add(cache.link(revision.commit(), file));
        }
        cache.setCommit(reference.revision(), revision.commit());
        return files.getFirst();
    }

    private static boolean isComplete(Path blob, HubFile file) throws IOException {
        return Files.isRegularFile(blob) && Files.size(blob) == file.bytes();
    }

    private static Optional<Path> cached(RepositoryCache cache, HubReference reference) throws IOException {
        Optional<String> commit = cache.commit(reference.revision());
        if (commit.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(cache.snapshot(commit.get(), GgufChoice.choose(reference, cache.names(commit.get())).getFirst()));
    }
}
