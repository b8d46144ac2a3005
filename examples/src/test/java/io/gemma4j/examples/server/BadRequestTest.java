package io.gemma4j.examples.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is wrong with a request is said in the form of OpenAI's errors, by the name of the field. */
@Timeout(120)
class BadRequestTest {
    private static final String CALL = "{\"id\": \"a\", \"type\": \"function\", \"function\": {\"name\": \"f\", \"arguments\": \"{}\"}}";
    private static TestServer server;

    @BeforeAll
    static void start() throws Exception {
        server = TestServer.start();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static JsonNode error(HttpResponse<String> response, int status) {
        assertEquals(status, response.statusCode(), response.body());
        assertEquals("application/json", response.headers().firstValue("Content-Type").orElseThrow());
        JsonNode error = TestServer.json(response).get("error");
        assertFalse(error.get("message").textValue().isBlank());
        assertTrue(error.has("param") && error.has("code") && error.has("type"), response.body());
        return error;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "temperature | \"temperature\": 2.1",
        "temperature | \"temperature\": \"hot\"",
        "top_p | \"top_p\": -0.1",
        "n | \"n\": 2",
        "stream | \"stream\": 1",
        "stream_options | \"stream_options\": true",
        "stop | \"stop\": [1]",
        "stop | \"stop\": \"\"",
        "max_tokens | \"max_tokens\": 0",
        "max_completion_tokens | \"max_completion_tokens\": 1.5",
        "seed | \"seed\": \"x\"",
        "presence_penalty | \"presence_penalty\": 3",
        "logit_bias.x | \"logit_bias\": {\"x\": 1}",
        "logit_bias.5 | \"logit_bias\": {\"5\": null}",
        "logit_bias.1 | \"logit_bias\": {\"1\": 101}",
        "logit_bias.999999999 | \"logit_bias\": {\"999999999\": 1}",
        "logprobs | \"logprobs\": 1",
        "top_logprobs | \"top_logprobs\": 1",
        "top_logprobs | \"logprobs\": true, \"top_logprobs\": 21",
        "functions | \"functions\": []",
        "reasoning_effort | \"reasoning_effort\": \"endless\"",
        "chat_template_kwargs.enable_thinking | \"chat_template_kwargs\": {\"enable_thinking\": \"yes\"}",
        "response_format.type | \"response_format\": {\"type\": \"xml\"}",
        "response_format.json_schema | \"response_format\": {\"type\": \"json_schema\"}",
        "response_format.json_schema.schema | \"response_format\": {\"type\": \"json_schema\", \"json_schema\": {\"name\": \"x\"}}",
        "response_format.json_schema.schema | \"response_format\": {\"type\": \"json_schema\", \"json_schema\": {\"schema\": {\"type\": \"colour\"}}}",
        "stop | \"stop\": \"x\", \"response_format\": {\"type\": \"json_object\"}",
        "response_format | \"max_tokens\": 1, \"response_format\": {\"type\": \"json_object\"}",
        "tools | \"tools\": {}",
        "tools[0].type | \"tools\": [{\"type\": \"retrieval\"}]",
        "tools[0].function.name | \"tools\": [{\"type\": \"function\", \"function\": {}}]",
        "tools[0].function | \"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"a b\"}}]",
        "tools[0].function | \"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"a\", \"parameters\": {\"type\": \"array\"}}}]",
        "tool_choice | \"tool_choice\": \"required\"",
        "tool_choice | \"tool_choice\": \"always\"",
        "tool_choice.function | \"tool_choice\": {\"type\": \"function\"}",
        "tool_choice.function.name | \"tool_choice\": {\"type\": \"function\", \"function\": {\"name\": \"f\"}}",
        "stop | \"stop\": \"x\", \"tool_choice\": \"required\", \"tools\": [" + TestServer.WEATHER_TOOL + "]",
        "tool_choice | \"max_tokens\": 1, \"tool_choice\": \"required\", \"tools\": [" + TestServer.WEATHER_TOOL + "]",
    })
    void wrongFieldIsNamed(String field, String wrong) {
        JsonNode error = error(server.post("/v1/chat/completions", "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}], " + wrong + "}"), 400);
        assertEquals(field, error.get("param").asText(), error.toString());
        assertTrue(error.get("message").textValue().contains(field), error.toString());
        assertEquals("invalid_request_error", error.get("type").textValue());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "messages | []",
        "messages | \"hello\"",
        "messages[0] | [1]",
        "messages[0].role | [{\"content\": \"x\"}]",
        "messages[0].role | [{\"role\": \"robot\", \"content\": \"x\"}]",
        "messages[0].content | [{\"role\": \"user\"}]",
        "messages[0].content | [{\"role\": \"user\", \"content\": 1}]",
        "messages[0].content[0].text | [{\"role\": \"user\", \"content\": [{\"type\": \"text\"}]}]",
        "messages[0].content[1].type | [{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"x\"}, {\"type\": \"image_url\"}]}]",
        "messages[1].role | [{\"role\": \"user\", \"content\": \"x\"}, {\"role\": \"system\", \"content\": \"x\"}]",
        "messages[0].tool_call_id | [{\"role\": \"tool\", \"content\": \"x\", \"tool_call_id\": \"a\"}]",
        "messages | [{\"role\": \"assistant\", \"tool_calls\": [" + CALL + "]}]",
        "messages[1].role | [{\"role\": \"assistant\", \"tool_calls\": [" + CALL + "]}, {\"role\": \"user\", \"content\": \"x\"}]",
        "messages[0].tool_calls[1].id | [{\"role\": \"assistant\", \"tool_calls\": [" + CALL + ", " + CALL + "]}]",
        "messages[0].tool_calls[0].function.arguments | [{\"role\": \"assistant\", \"tool_calls\": [{\"id\": \"a\", \"function\": {\"name\": \"f\", \"arguments\": \"[\"}}]}]",
    })
    void wrongMessageIsNamed(String field, String messages) {
        JsonNode error = error(server.post("/v1/chat/completions", "{\"messages\": " + messages + "}"), 400);
        assertEquals(field, error.get("param").asText(), error.toString());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "completions | prompt | {}",
        "completions | prompt | {\"prompt\": [\"a\", \"b\"]}",
        "completions | suffix | {\"prompt\": \"a\", \"suffix\": \"b\"}",
        "completions | best_of | {\"prompt\": \"a\", \"best_of\": 2}",
        "completions | logprobs | {\"prompt\": \"a\", \"logprobs\": 6}",
        "completions | messages | {\"prompt\": \"a\", \"messages\": 1, \"logprobs\": 6}",
        "embeddings | input | {}",
        "embeddings | input | {\"input\": []}",
        "embeddings | input | {\"input\": [\"\"]}",
        "embeddings | input | {\"input\": [[1, 2]]}",
        "embeddings | dimensions | {\"input\": \"x\", \"dimensions\": 8}",
        "embeddings | encoding_format | {\"input\": \"x\", \"encoding_format\": \"hex\"}",
    })
    void wrongFieldOfOtherEndpointsIsNamed(String endpoint, String field, String body) {
        JsonNode error = error(server.post("/v1/" + endpoint, body), 400);
        assertEquals(field.equals("messages") ? "logprobs" : field, error.get("param").asText(), error.toString());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {"{", "[]", "1", "``", "{} {}", "{\"a\": 1, \"a\": 2}", "{'a': 1}"})
    void bodyThatIsNoJsonObjectIsRefused(String body) {
        assertEquals("invalid_json", error(server.post("/v1/chat/completions", body), 400).get("code").asText());
    }

    @Test
    void aBiasThatBansEveryTokenIsRefused() {
        String bans = IntStream.range(0, server.vocabulary()).mapToObj(token -> "\"" + token + "\": -100").collect(Collectors.joining(", ", "{", "}"));
        assertEquals("logit_bias", error(server.post("/v1/chat/completions", TestServer.saying("Hi", "\"logit_bias\": " + bans + ", ")), 400)
                .get("param").asText());
    }

    @Test
    void aBodyThatIsCutIntoWrongChunksIsRefusedAndEndsTheConnection() throws Exception {
        try (Socket socket = new Socket("127.0.0.1", server.port())) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write(("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "ZZ\r\n{}\r\n0\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8); // to its end
            assertTrue(answer.startsWith("HTTP/1.1 400 ") && answer.contains("invalid_body"), answer);
        }
    }

    @Test
    void unknownFieldsAreIgnored() {
        assertEquals(200, server.post("/v1/chat/completions", TestServer.saying("Hi", "\"max_tokens\": 1, \"user\": \"me\", \"store\": true, ")).statusCode());
    }

    @Test
    void argumentsOfEarlierCallsMayBeAnythingThatJsonHas() {
        String arguments = "{\\\"n\\\": 1, \\\"list\\\": [1.5, true, null, \\\"x\\\", -12345678901234567890], \\\"o\\\": {\\\"k\\\": {}}}";
        HttpResponse<String> response = server.post("/v1/chat/completions", "{\"max_tokens\": 1, \"messages\": [{\"role\": \"user\", \"content\": \"x\"}, "
                + "{\"role\": \"assistant\", \"content\": null, \"tool_calls\": [{\"id\": \"a\", \"type\": \"function\", \"function\": {\"name\": \"f\", "
                + "\"arguments\": \"" + arguments + "\"}}]}, {\"role\": \"tool\", \"tool_call_id\": \"a\", \"content\": \"y\"}]}");
        assertEquals(200, response.statusCode(), response.body());
    }

    @Test
    void tooLargeABodyIsRefusedAlsoWhereItsLengthIsNotTold() {
        byte[] body = TestServer.saying("word ".repeat(30_000), "").getBytes();
        assertEquals(413, server.post("/v1/chat/completions", new String(body)).statusCode());
        error(chunked(body, 5), 413);
    }

    // A client that is still sending when it is refused may lose the answer together with the connection.
    private static HttpResponse<String> chunked(byte[] body, int tries) {
        try {
            return server.send(server.request("/v1/chat/completions")
                    .POST(HttpRequest.BodyPublishers.fromPublisher(HttpRequest.BodyPublishers.ofByteArray(body))));
        } catch (UncheckedIOException e) {
            if (tries == 1) {
                throw e;
            }
            return chunked(body, tries - 1);
        }
    }

    @Test
    void whatDoesNotExistIsNotFound() {
        error(server.get("/v1/nothing"), 404);
        error(server.get("/v1/chat/completions"), 404);
        error(server.get("/v1/models/other"), 404);
    }
}
