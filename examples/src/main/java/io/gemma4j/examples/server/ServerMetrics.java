package io.gemma4j.examples.server;

import io.gemma4j.Timings;
import io.gemma4j.TokenUsage;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.stream.IntStream;

/** What a server counts, and {@code GET /metrics}, which tells it to Prometheus. Thread-safe. */
final class ServerMetrics implements AutoCloseable {
    private static final Duration[] BUCKETS = IntStream.of(10, 30, 100, 300, 1000, 3000, 10_000, 30_000).mapToObj(Duration::ofMillis)
            .toArray(Duration[]::new);

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final JvmGcMetrics garbageCollection = new JvmGcMetrics();
    private final Counter promptTokens = counter("gemma4.prompt.tokens", "Tokens of prompts that were read");
    private final Counter cachedTokens = counter("gemma4.cached.tokens", "Tokens of prompts that needed no work");
    private final Counter generatedTokens = counter("gemma4.generated.tokens", "Tokens of answers");
    private final Timer firstToken = Timer.builder("gemma4.first.token").description("From the start of an answer to its first token")
            .serviceLevelObjectives(BUCKETS).register(registry);
    private final DistributionSummary decodeSpeed = DistributionSummary.builder("gemma4.decode.tokens.per.second")
            .description("Speed of an answer after its first token").register(registry);

    ServerMetrics(SlotPool slots) {
        Gauge.builder("gemma4.slots.busy", slots, SlotPool::busy).description("Requests being answered").register(registry);
        Gauge.builder("gemma4.queue.length", slots, SlotPool::waiting).description("Requests waiting for a slot").register(registry);
        new JvmMemoryMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        garbageCollection.bindTo(registry);
    }

    private Counter counter(String name, String description) {
        return Counter.builder(name).description(description).register(registry);
    }

    void request(String endpoint, int status, long nanos) {
        Timer.builder("gemma4.requests").description("Requests, by what was asked for and the status of the answer; 499 where the client had gone")
                .tag("endpoint", endpoint).tag("status", String.valueOf(status)).register(registry).record(Duration.ofNanos(nanos));
    }

    void answer(TokenUsage usage, Timings timings) {
        promptTokens.increment(usage.promptTokens() - usage.cachedTokens());
        cachedTokens.increment(usage.cachedTokens());
        generatedTokens.increment(usage.generatedTokens());
        if (usage.generatedTokens() > 0) {
            firstToken.record(timings.timeToFirstToken());
        }
        if (usage.generatedTokens() > 1 && timings.decode().isPositive()) {
            decodeSpeed.record((usage.generatedTokens() - 1) * 1e9 / timings.decode().toNanos());
        }
    }

    void scrape(ServerRequest request, ServerResponse response) {
        response.header(HeaderNames.CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
        response.send(registry.scrape().getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public void close() {
        garbageCollection.close();
        registry.close();
    }
}
