package io.gemma4j.examples.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A server whose model keeps what prompts have in common. */
@Timeout(120)
class PrefixCacheServerTest {
    private static String conversation(String question) {
        return "{\"model\": \"tiny\", \"temperature\": 0, \"max_tokens\": 8, \"messages\": [{\"role\": \"system\", \"content\": \"You answer questions about the "
                + "capitals of countries, about numbers and about the opposites of words.\"}, {\"role\": \"user\", \"content\": \"" + question + "\"}]}";
    }

    private static JsonNode ask(TestServer server, String question) {
        return TestServer.json(server.post("/v1/chat/completions", conversation(question)));
    }

    private static int cached(JsonNode answer) {
        return answer.get("usage").get("prompt_tokens_details").get("cached_tokens").asInt();
    }

    @Test
    void conversationsThatTakeTurnsOnOneSlotFindWhatTheyHadBefore() throws Exception {
        ServerOptions options = TestServer.options(1, 8, Duration.ofMinutes(1));
        try (TestServer kept = TestServer.start(options, o -> o.prefixCacheBytes(256L << 20)); TestServer plain = TestServer.start(options)) {
            assertEquals(0, cached(ask(kept, "What is the capital of France?")));
            JsonNode second = ask(kept, "What is the opposite of short?");
            assertTrue(cached(second) > 16, second.toString());
            JsonNode again = ask(kept, "What is the capital of France?");
            assertEquals(again.get("usage").get("prompt_tokens").asInt() - 1, cached(again));
            assertEquals(ask(plain, "What is the capital of France?").get("choices"), again.get("choices"));
            String text = "{\"model\": \"tiny\", \"temperature\": 0, \"max_tokens\": 2, \"prompt\": \"It was a dark and stormy night, and the wind blew over the hills\"}";
            kept.post("/v1/completions", text);
            assertTrue(cached(TestServer.json(kept.post("/v1/completions", text))) > 10);
        }
    }
}
