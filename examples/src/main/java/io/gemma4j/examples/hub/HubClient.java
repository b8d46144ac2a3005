package io.gemma4j.examples.hub;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Talks with the Hub. Redirects are followed here, so that the token is shown to the Hub's own address only. Thread-safe. */
final class HubClient implements AutoCloseable {
    private static final int REDIRECTS = 10;
    private static final int ATTEMPTS = 5;
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);
    private static final long LARGEST_ANSWER_BYTES = 64L << 20;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final HubSettings settings;
    private final Duration firstWait;
    private final HttpClient http;

    /** @param firstWait before a request that the server could not take is sent again; doubled each time */
    HubClient(HubSettings settings, Duration firstWait) {
        this.settings = settings;
        this.firstWait = firstWait;
        this.http = HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NEVER).version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(settings.stall()).build();
    }

    /**
     * The files of a revision.
     *
     * @throws HubException if there is none, or the token does not suffice
     * @throws IOException if the Hub cannot be reached
     */
    HubRevision revision(HubReference reference) throws IOException {
        String place = "/api/models/" + reference.repository() + "/revision/" + reference.revision().replace("/", "%2F") + "?blobs=true";
        HttpResponse<InputStream> response = get(URI.create(settings.endpoint() + place), Map.of(), reference.repository());
        JsonNode answer;
        try (InputStream body = new StallGuard(response.body(), settings.stall())) {
            answer = JSON.readTree(body.readNBytes((int) LARGEST_ANSWER_BYTES));
        } catch (JsonProcessingException e) {
            throw new HubException(place + ": expected a JSON object, found " + e.getOriginalMessage());
        }
        String commit = answer.path("sha").asText();
        if (!commit.matches("[0-9a-f]{40}")) {
            throw new HubException(place + ": key 'sha': expected 40 hexadecimal digits, found " + answer.path("sha"));
        }
        List<HubFile> files = new ArrayList<>();
        for (JsonNode file : answer.path("siblings")) {
            JsonNode large = file.path("lfs");
            HubFile described = new HubFile(file.path("rfilename").asText(), (large.has("size") ? large : file).path("size").asLong(-1),
                    large.has("sha256") ? large.path("sha256").asText() : file.path("blobId").asText());
            if (described.isSound()) {
                files.add(described);
            }
        }
        return new HubRevision(commit, List.copyOf(files));
    }

    /**
     * Asks for a file's content.
     *
     * @param headers as for a part of it
     * @return an answer with status 200, 206 or 416; the caller closes its body
     * @throws HubException if there is none, or the token does not suffice
     * @throws IOException if the connection is lost
     */
    HttpResponse<InputStream> content(HubReference reference, String commit, String name, Map<String, String> headers) throws IOException {
        try {
            String path = new URI(null, null, "/" + reference.repository() + "/resolve/" + commit + "/" + name, null).getRawPath();
            return get(URI.create(settings.endpoint() + path), headers, reference.repository() + "/" + name);
        } catch (URISyntaxException e) {
            throw new HubException(name + " cannot be part of an address");
        }
    }

    private HttpResponse<InputStream> get(URI uri, Map<String, String> headers, String what) throws IOException {
        Duration wait = firstWait;
        for (int attempt = 1; ; attempt++) {
            HttpResponse<InputStream> response = follow(uri, headers);
            int status = response.statusCode();
            if (status == 200 || status == 206 || status == 416) {
                return response;
            }
            response.body().close();
            boolean mayPass = status == 429 || status == 408 || status >= 500;
            if (!mayPass || attempt == ATTEMPTS) {
                throw new HubException(what + ": " + explanation(status));
            }
            sleep(retryAfter(response, wait));
            wait = wait.multipliedBy(2);
        }
    }

    private String explanation(int status) {
        return switch (status) {
            case 401, 403 -> settings.token().isPresent()
                    ? "the Hub refuses the token (status " + status + "): it may lack access to this repository, whose terms are accepted on its page"
                    : "the Hub wants a token (status " + status + "): the name may be wrong, or else set HF_TOKEN and accept the terms on the repository's page";
            case 404 -> "there is no such repository, revision or file on " + settings.endpoint();
            case 429 -> "the Hub has had too many requests (status 429); try again later, with HF_TOKEN it allows more";
            default -> "the Hub answers with status " + status;
        };
    }

    private HttpResponse<InputStream> follow(URI uri, Map<String, String> headers) throws IOException {
        URI next = uri;
        for (int hop = 0; hop <= REDIRECTS; hop++) {
            HttpRequest.Builder request = HttpRequest.newBuilder(next).timeout(settings.stall()).header("User-Agent", "gemma4j");
            headers.forEach(request::header);
            if (settings.token().isPresent() && isHub(next)) {
                request.header("Authorization", "Bearer " + settings.token().get());
            }
            HttpResponse<InputStream> response = send(request.build());
            String location = response.headers().firstValue("Location").orElse(null);
            if (response.statusCode() / 100 != 3 || location == null) {
                return response;
            }
            response.body().close();
            URI target = next.resolve(location);
            if (target.getHost() == null || "https".equals(next.getScheme()) && !"https".equals(target.getScheme())) {
                throw new HubException(next + " leads to " + location + ", which is not safe to follow");
            }
            next = target;
        }
        throw new HubException(uri + " leads through more than " + REDIRECTS + " addresses");
    }

    private boolean isHub(URI uri) {
        URI hub = settings.endpoint();
        return Objects.equals(uri.getScheme(), hub.getScheme()) && uri.getHost().equalsIgnoreCase(hub.getHost()) && port(uri) == port(hub);
    }

    private static int port(URI uri) {
        return uri.getPort() >= 0 ? uri.getPort() : "https".equals(uri.getScheme()) ? 443 : 80;
    }

    private HttpResponse<InputStream> send(HttpRequest request) throws IOException {
        try {
            return http.send(request, HttpResponse.BodyHandlers.ofInputStream());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ClosedByInterruptException();
        }
    }

    private static Duration retryAfter(HttpResponse<?> response, Duration otherwise) {
        Duration asked = response.headers().firstValue("Retry-After").filter(value -> value.matches("\\d{1,6}"))
                .map(seconds -> Duration.ofSeconds(Long.parseLong(seconds))).orElse(otherwise);
        return asked.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : asked;
    }

    static void sleep(Duration time) throws ClosedByInterruptException {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ClosedByInterruptException();
        }
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}
