package io.gemma4j.examples.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.FunctionDefinition;
import com.openai.models.FunctionParameters;
import com.openai.models.ReasoningEffort;
import com.openai.models.ResponseFormatJsonObject;
import com.openai.models.ResponseFormatJsonSchema;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionMessageFunctionToolCall;
import com.openai.models.chat.completions.ChatCompletionNamedToolChoice;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.chat.completions.ChatCompletionTokenLogprob;
import com.openai.models.chat.completions.ChatCompletionToolChoiceOption;
import com.openai.models.chat.completions.ChatCompletionToolMessageParam;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.embeddings.CreateEmbeddingResponse;
import com.openai.models.embeddings.EmbeddingCreateParams;
import com.openai.models.models.Model;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The server as OpenAI's own client sees it, over a socket. */
@Timeout(120)
class OpenAiClientTest {
    private static TestServer server;
    private static OpenAIClient client;

    @BeforeAll
    static void start() throws Exception {
        server = TestServer.start();
        client = OpenAIOkHttpClient.builder().baseUrl(server.url() + "/v1").apiKey("none").maxRetries(0).build();
    }

    @AfterAll
    static void stop() {
        client.close();
        server.close();
    }

    private static ChatCompletionCreateParams.Builder chat() {
        return ChatCompletionCreateParams.builder().model(TestServer.MODEL).temperature(0.0).maxCompletionTokens(120);
    }

    private static ChatCompletion.Choice answer(ChatCompletionCreateParams.Builder params) {
        return client.chat().completions().create(params.build()).choices().getFirst();
    }

    private static String text(ChatCompletion.Choice choice) {
        return choice.message().content().orElseThrow();
    }

    private static ChatCompletionCreateParams.Builder withWeatherTool(ChatCompletionCreateParams.Builder params) {
        return params.addFunctionTool(FunctionDefinition.builder().name("get_weather").description("Current weather for a city")
                .parameters(FunctionParameters.builder().putAdditionalProperty("type", JsonValue.from("object"))
                        .putAdditionalProperty("properties", JsonValue.from(Map.of("city", Map.of("type", "string", "description", "City name"))))
                        .putAdditionalProperty("required", JsonValue.from(List.of("city"))).build())
                .build());
    }

    @Test
    void questionsAreAnswered() {
        ChatCompletion completion = client.chat().completions().create(chat().addUserMessage("What is the capital of Canada?").build());
        assertTrue(text(completion.choices().getFirst()).contains("Ottawa"), completion.toString());
        assertEquals(ChatCompletion.Choice.FinishReason.STOP, completion.choices().getFirst().finishReason());
        assertEquals(TestServer.MODEL, completion.model());
        long prompt = completion.usage().orElseThrow().promptTokens();
        assertTrue(prompt > 0 && completion.usage().orElseThrow().totalTokens() == prompt + completion.usage().orElseThrow().completionTokens());
    }

    @Test
    void rulesOfTheSystemAreKept() {
        assertTrue(text(answer(chat().addSystemMessage("Answer in upper case.").addUserMessage("What is the capital of Canada?"))).contains("OTTAWA"));
        assertTrue(text(answer(chat().addDeveloperMessage("Answer in upper case.").addUserMessage("What is the capital of Canada?"))).contains("OTTAWA"));
    }

    @Test
    void conversationThatGoesOnReusesItsKeys() {
        ChatCompletionCreateParams.Builder params = chat().addUserMessage("I love apple.");
        for (int turn = 0; turn < 5; turn++) {
            params.addMessage(answer(params).message()).addUserMessage("What is 12 + 30?");
        }
        params.addMessage(answer(params).message()).addUserMessage("What is my favorite food?");
        ChatCompletion last = client.chat().completions().create(params.build());
        assertTrue(text(last.choices().getFirst()).contains("apple"), last.toString());
        long cached = last.usage().orElseThrow().promptTokensDetails().orElseThrow().cachedTokens().orElseThrow();
        assertTrue(cached > last.usage().orElseThrow().promptTokens() * 3 / 4, last.usage().toString());
    }

    @Test
    void streamIsTheSameAnswerInPieces() {
        ChatCompletionCreateParams params = chat().addUserMessage("What is the capital of Canada?")
                .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build()).build();
        ChatCompletionAccumulator pieces = ChatCompletionAccumulator.create();
        List<String> texts = new ArrayList<>();
        try (StreamResponse<ChatCompletionChunk> stream = client.chat().completions().createStreaming(params)) {
            stream.stream().peek(pieces::accumulate).flatMap(chunk -> chunk.choices().stream())
                    .forEach(choice -> choice.delta().content().filter(text -> !text.isEmpty()).ifPresent(texts::add));
        }
        ChatCompletion whole = client.chat().completions().create(chat().addUserMessage("What is the capital of Canada?").build());
        assertTrue(texts.size() > 2, texts.toString());
        assertEquals(text(whole.choices().getFirst()), text(pieces.chatCompletion().choices().getFirst()));
        assertEquals(whole.choices().getFirst().finishReason(), pieces.chatCompletion().choices().getFirst().finishReason());
        assertEquals(whole.usage().orElseThrow().totalTokens(), pieces.chatCompletion().usage().orElseThrow().totalTokens());
    }

    @Test
    void toolIsCalledAndItsResultUsed() {
        ChatCompletionCreateParams.Builder params = withWeatherTool(chat().addUserMessage("What is the weather in Paris?"));
        ChatCompletion.Choice first = answer(params);
        assertEquals(ChatCompletion.Choice.FinishReason.TOOL_CALLS, first.finishReason());
        ChatCompletionMessageFunctionToolCall call = first.message().toolCalls().orElseThrow().getFirst().asFunction();
        assertEquals("get_weather", call.function().name());
        assertEquals("{\"city\":\"Paris\"}", call.function().arguments());
        params.addMessage(first.message()).addMessage(ChatCompletionToolMessageParam.builder().toolCallId(call.id()).content("sunny, 12 degrees").build());
        ChatCompletion.Choice second = answer(params);
        assertTrue(text(second).contains("sunny, 12 degrees"), second.toString());
        assertEquals(ChatCompletion.Choice.FinishReason.STOP, second.finishReason());
    }

    @Test
    void toolCallsAreStreamed() {
        ChatCompletionCreateParams params = withWeatherTool(chat().addUserMessage("What is the weather in Rome?")).build();
        ChatCompletionAccumulator pieces = ChatCompletionAccumulator.create();
        try (StreamResponse<ChatCompletionChunk> stream = client.chat().completions().createStreaming(params)) {
            stream.stream().forEach(pieces::accumulate);
        }
        ChatCompletion.Choice choice = pieces.chatCompletion().choices().getFirst();
        assertEquals(ChatCompletion.Choice.FinishReason.TOOL_CALLS, choice.finishReason());
        assertEquals("{\"city\":\"Rome\"}", choice.message().toolCalls().orElseThrow().getFirst().asFunction().function().arguments());
    }

    @Test
    void callThatIsDemandedIsMadeWhateverIsAsked() throws Exception {
        ChatCompletionCreateParams.Builder one = withWeatherTool(chat().addUserMessage("Tell me a story.")).toolChoice(
                ChatCompletionNamedToolChoice.builder().function(ChatCompletionNamedToolChoice.Function.builder().name("get_weather").build()).build());
        ChatCompletion.Choice choice = answer(one);
        assertEquals(ChatCompletion.Choice.FinishReason.TOOL_CALLS, choice.finishReason());
        ChatCompletionMessageFunctionToolCall.Function call = choice.message().toolCalls().orElseThrow().getFirst().asFunction().function();
        assertEquals("get_weather", call.name());
        assertTrue(new ObjectMapper().readTree(call.arguments()).get("city").isTextual(), call.arguments());
        assertTrue(choice.message().content().isEmpty());

        ChatCompletionAccumulator pieces = ChatCompletionAccumulator.create();
        try (StreamResponse<ChatCompletionChunk> stream = client.chat().completions().createStreaming(one.build())) {
            stream.stream().forEach(pieces::accumulate);
        }
        ChatCompletion.Choice streamed = pieces.chatCompletion().choices().getFirst();
        assertEquals(call.arguments(), streamed.message().toolCalls().orElseThrow().getFirst().asFunction().function().arguments());
        assertEquals(choice.finishReason(), streamed.finishReason());

        ChatCompletionCreateParams.Builder any = withWeatherTool(chat().addUserMessage("Tell me a story.")).addFunctionTool(
                FunctionDefinition.builder().name("get_time").parameters(FunctionParameters.builder().putAdditionalProperty("type", JsonValue.from("object"))
                        .build()).build()).toolChoice(ChatCompletionToolChoiceOption.Auto.REQUIRED);
        String chosen = answer(any).message().toolCalls().orElseThrow().getFirst().asFunction().function().name();
        assertTrue(List.of("get_weather", "get_time").contains(chosen), chosen);
    }

    @Test
    void toolsThatMayNotBeChosenAreNotCalled() {
        ChatCompletionCreateParams.Builder params = withWeatherTool(chat().addUserMessage("What is the weather in Paris?"));
        params.toolChoice(ChatCompletionToolChoiceOption.Auto.NONE);
        assertFalse(answer(params).message().toolCalls().isPresent());
    }

    @Test
    @SuppressWarnings("deprecation") // to OpenAI, not here
    void thoughtsStandBesideTheAnswer() {
        ChatCompletion.Choice choice = answer(chat().addUserMessage("88 - 41 = ?").reasoningEffort(ReasoningEffort.HIGH));
        assertTrue(text(choice).contains("47"), choice.toString());
        String thoughts = choice.message()._additionalProperties().get("reasoning_content").asStringOrThrow();
        assertTrue(thoughts.contains("8"), thoughts);
        assertFalse(answer(chat().addUserMessage("88 - 41 = ?")).message()._additionalProperties().containsKey("reasoning_content"));
    }

    @Test
    void answerEndsAtItsLimitOrBeforeAStopString() {
        ChatCompletion.Choice limited = answer(chat().addUserMessage("What is the capital of Canada?").maxCompletionTokens(3));
        assertEquals(ChatCompletion.Choice.FinishReason.LENGTH, limited.finishReason());
        ChatCompletion.Choice stopped = answer(chat().addUserMessage("What is the capital of Canada?").stop("Ottawa"));
        assertEquals(ChatCompletion.Choice.FinishReason.STOP, stopped.finishReason());
        assertFalse(text(stopped).isEmpty() || text(stopped).contains("Ottawa"), stopped.toString());
    }

    @Test
    @SuppressWarnings("deprecation") // to OpenAI, not here
    void sameSeedGivesTheSameAnswer() {
        ChatCompletionCreateParams.Builder params = chat().addUserMessage("Tell me a story.").temperature(2.0).maxCompletionTokens(20);
        String first = text(answer(params.seed(7)));
        assertEquals(first, text(answer(params.seed(7))));
        assertNotEquals(first, text(answer(params.seed(8))));
    }

    @Test
    void logprobsAreThoseOfTheTokensOfTheText() {
        ChatCompletion.Choice choice = answer(chat().addUserMessage("What is the capital of Canada?").logprobs(true).topLogprobs(3));
        List<ChatCompletionTokenLogprob> tokens = choice.logprobs().orElseThrow().content().orElseThrow();
        assertEquals(text(choice), String.join("", tokens.stream().map(ChatCompletionTokenLogprob::token).toList()));
        for (ChatCompletionTokenLogprob token : tokens) {
            assertEquals(3, token.topLogprobs().size());
            assertEquals(token.topLogprobs().getFirst().token(), token.token()); // at temperature 0
            assertEquals(token.topLogprobs().getFirst().logprob(), token.logprob());
            assertTrue(token.topLogprobs().stream().mapToDouble(top -> Math.exp(top.logprob())).sum() <= 1 + 1e-5, token.toString());
        }
    }

    @Test
    void piecesComeWithTheLogprobsOfTheirTokens() {
        ChatCompletionCreateParams.Builder params = chat().addUserMessage("What is the capital of Canada?").logprobs(true).topLogprobs(3);
        List<ChatCompletionTokenLogprob> streamed = new ArrayList<>();
        int[] withText = {0};
        try (StreamResponse<ChatCompletionChunk> stream = client.chat().completions().createStreaming(params.build())) {
            stream.stream().flatMap(chunk -> chunk.choices().stream()).forEach(choice -> {
                List<ChatCompletionTokenLogprob> tokens = choice.logprobs().flatMap(ChatCompletionChunk.Choice.Logprobs::content).orElse(List.of());
                streamed.addAll(tokens);
                String text = choice.delta().content().orElse("");
                if (!text.isEmpty()) {
                    assertEquals(text, String.join("", tokens.stream().map(ChatCompletionTokenLogprob::token).toList()));
                    withText[0]++;
                }
            });
        }
        assertTrue(withText[0] > 2);
        List<ChatCompletionTokenLogprob> whole = answer(params).logprobs().orElseThrow().content().orElseThrow();
        assertEquals(whole.stream().map(ChatCompletionTokenLogprob::token).toList(), streamed.stream().map(ChatCompletionTokenLogprob::token).toList());
        for (int i = 0; i < whole.size(); i++) {
            // The second time the prompt is in the cache, which rounds otherwise.
            assertEquals(whole.get(i).logprob(), streamed.get(i).logprob(), 0.01);
        }
    }

    @Test
    void answerHasTheFormOfASchemaWhateverIsAsked() throws Exception {
        ResponseFormatJsonSchema.JsonSchema schema = ResponseFormatJsonSchema.JsonSchema.builder().name("weather").strict(true)
                .schema(ResponseFormatJsonSchema.JsonSchema.Schema.builder().putAdditionalProperty("type", JsonValue.from("object"))
                        .putAdditionalProperty("properties", JsonValue.from(Map.of("city", Map.of("type", "string", "maxLength", 20),
                                "sky", Map.of("enum", List.of("sunny", "rainy")), "degrees", Map.of("type", "integer"))))
                        .putAdditionalProperty("required", JsonValue.from(List.of("city", "sky", "degrees")))
                        .putAdditionalProperty("additionalProperties", JsonValue.from(false)).build()).build();
        for (double temperature : new double[] {0, 2}) {
            ChatCompletion.Choice choice = answer(chat().addUserMessage("Tell me a story.").temperature(temperature)
                    .responseFormat(ResponseFormatJsonSchema.builder().jsonSchema(schema).build()));
            JsonNode weather = new ObjectMapper().readTree(text(choice));
            assertEquals(3, weather.size(), weather.toString());
            assertTrue(weather.get("city").isTextual() && weather.get("degrees").isIntegralNumber(), weather.toString());
            assertTrue(List.of("sunny", "rainy").contains(weather.get("sky").textValue()), weather.toString());
            assertEquals(ChatCompletion.Choice.FinishReason.STOP, choice.finishReason());
        }
    }

    @Test
    void answerIsAJsonObjectAlsoAtItsLimit() throws Exception {
        ChatCompletion.Choice choice = answer(chat().addUserMessage("Tell me a story.").temperature(1.5).maxCompletionTokens(30)
                .responseFormat(ResponseFormatJsonObject.builder().build()));
        assertTrue(new ObjectMapper().readTree(text(choice)).isObject(), text(choice));
    }

    @Test
    void textIsContinuedAsOneOrInPieces() {
        CompletionCreateParams params = CompletionCreateParams.builder().model(CompletionCreateParams.Model.of(TestServer.MODEL)).prompt("The capital of")
                .temperature(0.0).maxTokens(6L).logprobs(2L).echo(true).build();
        Completion whole = client.completions().create(params);
        assertTrue(whole.choices().getFirst().text().startsWith("The capital of"), whole.toString());
        assertEquals(6, whole.usage().orElseThrow().completionTokens());
        assertEquals(whole.choices().getFirst().text().substring("The capital of".length()),
                String.join("", whole.choices().getFirst().logprobs().orElseThrow().tokens().orElseThrow()));
        StringBuilder pieces = new StringBuilder();
        try (StreamResponse<Completion> stream = client.completions().createStreaming(params)) {
            stream.stream().flatMap(piece -> piece.choices().stream()).forEach(choice -> pieces.append(choice.text()));
        }
        assertEquals(whole.choices().getFirst().text(), pieces.toString());
    }

    @Test
    void embeddingsHaveLengthOneAndTheirOrder() {
        EmbeddingCreateParams.Builder params = EmbeddingCreateParams.builder().model(TestServer.MODEL);
        CreateEmbeddingResponse both = client.embeddings().create(params.inputOfArrayOfStrings(List.of("a cat", "the weather in Oslo")).build());
        assertEquals(List.of(0L, 1L), both.data().stream().map(embedding -> embedding.index()).toList());
        for (int i = 0; i < 2; i++) {
            List<Float> one = client.embeddings().create(params.input(List.of("a cat", "the weather in Oslo").get(i)).build()).data().getFirst().embedding();
            assertEquals(one, both.data().get(i).embedding());
            assertEquals(1, one.stream().mapToDouble(value -> value * value).sum(), 1e-5);
        }
        List<Float> plain = client.embeddings().create(params.input("a cat").encodingFormat(EmbeddingCreateParams.EncodingFormat.FLOAT).build())
                .data().getFirst().embedding();
        assertEquals(both.data().getFirst().embedding(), plain);
        assertTrue(both.usage().promptTokens() > 4);
    }

    @Test
    void modelsAreListedAndOthersNotFound() {
        assertEquals(List.of("tiny", "alias"), client.models().list().data().stream().map(Model::id).toList());
        assertEquals("alias", client.models().retrieve("alias").id());
        assertThrows(NotFoundException.class, () -> client.models().retrieve("gpt-4"));
        NotFoundException e = assertThrows(NotFoundException.class, () -> answer(chat().model("gpt-4").addUserMessage("x")));
        assertEquals("model_not_found", e.code().orElseThrow());
    }

    @Test
    void wrongFieldsAreNamedToTheClient() {
        BadRequestException e = assertThrows(BadRequestException.class, () -> answer(chat().addUserMessage("x").temperature(9.0)));
        assertEquals("temperature", e.param().orElseThrow());
        assertEquals("invalid_request_error", e.type().orElseThrow());
        BadRequestException tooLong = assertThrows(BadRequestException.class, () -> answer(chat().addUserMessage("word ".repeat(9000))));
        assertEquals("context_length_exceeded", tooLong.code().orElseThrow());
    }
}
