package io.gemma4j.examples.server;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;

/** The page at {@code /} to talk with the model: files of this jar and nothing from elsewhere. */
final class ChatPage implements HttpService {
    private static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    private static final String START = "index.html";
    private static final Map<String, String> TYPES = Map.of(START, "text/html; charset=utf-8", "chat.css", "text/css; charset=utf-8",
            "chat.js", "text/javascript; charset=utf-8", "markdown.js", "text/javascript; charset=utf-8", "icon.svg", "image/svg+xml");

    @Override
    public void routing(HttpRules rules) {
        TYPES.forEach((name, type) -> {
            byte[] bytes = bytes(name);
            rules.get(pathOf(name), (request, response) -> {
                response.header(HeaderNames.CONTENT_TYPE, type);
                response.header(HeaderNames.CACHE_CONTROL, "no-cache");
                response.header("Content-Security-Policy", POLICY);
                response.header("X-Content-Type-Options", "nosniff");
                response.header("Referrer-Policy", "no-referrer");
                response.send(bytes);
            });
        });
    }

    private static String pathOf(String name) {
        return name.equals(START) ? "/" : "/" + name;
    }

    /** Whether a path belongs to the page. */
    static boolean has(String path) {
        return TYPES.keySet().stream().anyMatch(name -> pathOf(name).equals(path));
    }

    private static byte[] bytes(String name) {
        try (InputStream in = ChatPage.class.getResourceAsStream("page/" + name)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException("page/" + name + " of the jar cannot be read", e);
        }
    }
}
