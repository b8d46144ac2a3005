package io.gemma4j.examples.server;

import io.gemma4j.Thinking;
import java.time.Duration;
import java.util.List;

/**
 * How a model is served. Immutable and thread-safe.
 *
 * @param host the address to listen on
 * @param port 0 takes a free one
 * @param modelNames what clients may call the model; the first is what it calls itself
 * @param apiKeys any of them is needed for everything but the page and {@code /health}; empty needs none
 * @param slots how many requests are answered at once; each keeps the key/value cache of its last conversation,
 *     unless the model is loaded with {@link io.gemma4j.LoadOptions#prefixCacheBytes}: then it keeps them for all
 * @param queueLength how many more may wait for a slot
 * @param timeLimit of one request, waiting included
 * @param stopTime how long running answers may go on when the server is closed
 * @param maxBodyBytes the largest request
 * @param hostNames names by which browsers may reach the server, beside {@code localhost} and addresses; {@code *} for any
 * @param corsOrigins origins of other web pages that may use the server; {@code *} for any
 * @param thinking where a request does not say
 */
public record ServerOptions(String host, int port, List<String> modelNames, List<String> apiKeys, int slots, int queueLength, Duration timeLimit,
        Duration stopTime, long maxBodyBytes, List<String> hostNames, List<String> corsOrigins, Thinking thinking) {

    /**
     * Copies the lists and checks the values.
     *
     * @throws IllegalArgumentException if one is out of its range; says which
     */
    public ServerOptions {
        modelNames = List.copyOf(modelNames);
        apiKeys = List.copyOf(apiKeys);
        hostNames = List.copyOf(hostNames);
        corsOrigins = List.copyOf(corsOrigins);
        require(!modelNames.isEmpty() && modelNames.stream().noneMatch(String::isBlank), "modelNames must hold a name, and no blank one");
        for (String origin : corsOrigins) {
            require(origin.equals("*") || origin.matches("[a-z][a-z0-9+.-]*://[^/\\s]+"),
                    "corsOrigins must be * or like https://example.org, without a path, was " + origin);
        }
        require(apiKeys.stream().noneMatch(String::isBlank), "apiKeys must not hold a blank one");
        require(port >= 0 && port <= 65_535, "port must be from 0 to 65535, was " + port);
        require(slots >= 1, "slots must be at least 1, was " + slots);
        require(queueLength >= 0, "queueLength must be at least 0, was " + queueLength);
        require(timeLimit.isPositive(), "timeLimit must be positive, was " + timeLimit);
        require(!stopTime.isNegative(), "stopTime must not be negative, was " + stopTime);
        require(maxBodyBytes >= 1, "maxBodyBytes must be at least 1, was " + maxBodyBytes);
    }

    private static void require(boolean holds, String rule) {
        if (!holds) {
            throw new IllegalArgumentException(rule);
        }
    }

    /**
     * What {@code gemma4 serve} does without options.
     *
     * @param modelName what the model is called
     * @return loopback, port 8080, 4 slots, 64 requests waiting, 10 minutes for a request, 8 MiB for its body, no key
     */
    public static ServerOptions of(String modelName) {
        return new ServerOptions("127.0.0.1", 8080, List.of(modelName), List.of(), 4, 64, Duration.ofMinutes(10), Duration.ofSeconds(8), 8L << 20,
                List.of(), List.of(), Thinking.OFF);
    }
}
