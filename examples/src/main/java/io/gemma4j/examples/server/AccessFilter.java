package io.gemma4j.examples.server;

import io.helidon.http.HeaderNames;
import io.helidon.http.Method;
import io.helidon.http.ServerRequestHeaders;
import io.helidon.webserver.http.Filter;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Locale;

/**
 * Who may ask. A browser on the same machine must not lend its reach to other people's web pages, so names that anybody can point to this machine
 * (DNS rebinding) and pages of other origins are refused; and where keys are set, one of them is needed.
 */
final class AccessFilter implements Filter {
    private static final String ANY = "*";

    private final List<byte[]> keys;
    private final List<String> hostNames;
    private final List<String> corsOrigins;

    AccessFilter(ServerOptions options) {
        this.keys = options.apiKeys().stream().map(key -> key.getBytes(StandardCharsets.UTF_8)).toList();
        this.hostNames = options.hostNames();
        this.corsOrigins = options.corsOrigins();
    }

    @Override
    public void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
        ServerRequestHeaders headers = request.headers();
        String authority = headers.first(HeaderNames.HOST).orElse("");
        if (!isOwnName(hostOf(authority))) {
            throw ApiError.request(403, "host_not_allowed", "the server is not known as \"" + authority + "\"; option --allow-host adds a name");
        }
        String origin = headers.first(HeaderNames.ORIGIN).orElse(null);
        if (origin != null && !origin.equalsIgnoreCase("http://" + authority)) {
            if (!corsOrigins.contains(ANY) && !corsOrigins.contains(origin)) {
                throw ApiError.request(403, "origin_not_allowed", "pages of " + origin + " may not use the server; option --cors-origin lets them");
            }
            response.header("Access-Control-Allow-Origin", origin);
            response.header("Vary", "Origin");
            if (request.prologue().method().equals(Method.OPTIONS)) {
                response.header("Access-Control-Allow-Methods", "GET, POST");
                response.header("Access-Control-Allow-Headers", headers.first(HeaderNames.ACCESS_CONTROL_REQUEST_HEADERS)
                        .orElse("Authorization, Content-Type"));
                response.status(204).send();
                return;
            }
        }
        if (!keys.isEmpty() && !isOpen(request.path().path()) && !hasKey(headers)) {
            response.header("WWW-Authenticate", "Bearer");
            throw ApiError.request(401, "invalid_api_key", "a valid API key is needed, as in \"Authorization: Bearer KEY\"");
        }
        chain.proceed();
    }

    // The page asks for a key itself.
    private static boolean isOpen(String path) {
        return path.equals("/health") || ChatPage.has(path);
    }

    // Addresses cannot be pointed elsewhere, names can.
    private boolean isOwnName(String host) {
        return host.equals("localhost") || host.startsWith("[") || host.matches("[0-9]+(\\.[0-9]+){3}") || hostNames.contains(ANY)
                || hostNames.stream().anyMatch(host::equalsIgnoreCase);
    }

    private static String hostOf(String authority) {
        int colon = authority.lastIndexOf(':');
        return (colon > authority.lastIndexOf(']') ? authority.substring(0, colon) : authority).toLowerCase(Locale.ROOT);
    }

    // Looks at all keys, and at every byte, so that the time tells nothing.
    private boolean hasKey(ServerRequestHeaders headers) {
        String value = headers.first(HeaderNames.AUTHORIZATION).orElse("");
        byte[] given = (value.regionMatches(true, 0, "Bearer ", 0, 7) ? value.substring(7).strip() : "").getBytes(StandardCharsets.UTF_8);
        boolean found = false;
        for (byte[] key : keys) {
            found |= MessageDigest.isEqual(key, given);
        }
        return found;
    }
}
