package io.gemma4j.examples.hub;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Where the Hub and its cache are, by the environment variables that Hugging Face documents. Immutable and thread-safe.
 *
 * @param endpoint address of the Hub, without a slash at the end
 * @param token shown to the endpoint and nobody else
 * @param cache folder with a folder for each repository
 * @param offline whether only the cache may be used
 * @param stall how long a server may send nothing before the connection counts as lost
 */
public record HubSettings(URI endpoint, Optional<String> token, Path cache, boolean offline, Duration stall) {
    private static final Set<String> TRUE = Set.of("1", "ON", "YES", "TRUE");
    private static final Duration STALL = Duration.ofSeconds(60);

    /**
     * Reads {@code HF_ENDPOINT}, {@code HF_TOKEN}, {@code HF_TOKEN_PATH}, {@code HF_HOME}, {@code HF_HUB_CACHE} and {@code HF_HUB_OFFLINE}.
     *
     * @param environment variables of the process
     * @param home the user's folder
     * @throws IOException if the file with the token cannot be read
     * @throws IllegalArgumentException if the endpoint is no address
     */
    public static HubSettings of(Map<String, String> environment, Path home) throws IOException {
        Path base = set(environment, "HF_HOME").map(Path::of)
                .orElseGet(() -> set(environment, "XDG_CACHE_HOME").map(Path::of).orElse(home.resolve(".cache")).resolve("huggingface"));
        Path cache = set(environment, "HF_HUB_CACHE").map(Path::of).orElse(base.resolve("hub"));
        Optional<String> token = set(environment, "HF_TOKEN");
        Path tokenFile = set(environment, "HF_TOKEN_PATH").map(Path::of).orElse(base.resolve("token"));
        if (token.isEmpty() && Files.isRegularFile(tokenFile)) {
            token = Optional.of(Files.readString(tokenFile).strip()).filter(text -> !text.isEmpty());
        }
        boolean offline = set(environment, "HF_HUB_OFFLINE").filter(value -> TRUE.contains(value.toUpperCase(Locale.ROOT))).isPresent();
        return new HubSettings(endpoint(set(environment, "HF_ENDPOINT").orElse("https://huggingface.co")), token, cache, offline, STALL);
    }

    private static URI endpoint(String text) {
        URI endpoint = URI.create(text.replaceFirst("/+$", ""));
        if (endpoint.getHost() == null || !Set.of("http", "https").contains(String.valueOf(endpoint.getScheme()))) {
            throw new IllegalArgumentException("HF_ENDPOINT must be an address that begins with https:// or http://, was " + text);
        }
        return endpoint;
    }

    private static Optional<String> set(Map<String, String> environment, String name) {
        return Optional.ofNullable(environment.get(name)).map(String::strip).filter(value -> !value.isEmpty());
    }
}
