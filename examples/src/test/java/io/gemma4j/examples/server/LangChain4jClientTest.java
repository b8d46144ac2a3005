package io.gemma4j.examples.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiEmbeddingModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.langchain4j.model.output.FinishReason;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The server as LangChain4j's client for OpenAI sees it, over a socket. */
@Timeout(120)
class LangChain4jClientTest {
    private static TestServer server;
    private static OpenAiChatModel model;

    @BeforeAll
    static void start() throws Exception {
        server = TestServer.start();
        model = OpenAiChatModel.builder().baseUrl(server.url() + "/v1").apiKey("none").modelName(TestServer.MODEL).temperature(0.0).maxRetries(0)
                .returnThinking(true).build();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static ToolSpecification weatherTool() {
        return ToolSpecification.builder().name("get_weather").description("Current weather for a city")
                .parameters(JsonObjectSchema.builder().addStringProperty("city", "City name").required("city").build()).build();
    }

    @Test
    void questionsAreAnsweredUnderTheRulesOfTheSystem() {
        ChatResponse response = model.chat(SystemMessage.from("Answer in upper case."), UserMessage.from("What is the capital of Canada?"));
        assertTrue(response.aiMessage().text().contains("OTTAWA"), response.toString());
        assertEquals(FinishReason.STOP, response.finishReason());
        assertTrue(response.tokenUsage().inputTokenCount() > 0 && response.tokenUsage().outputTokenCount() > 0);
    }

    @Test
    void toolIsCalledAndItsResultUsed() {
        List<ChatMessage> messages = new ArrayList<>(List.of(UserMessage.from("What is the weather in Paris?")));
        ChatResponse first = model.chat(ChatRequest.builder().messages(messages).toolSpecifications(weatherTool()).build());
        assertEquals(FinishReason.TOOL_EXECUTION, first.finishReason());
        ToolExecutionRequest call = first.aiMessage().toolExecutionRequests().getFirst();
        assertEquals("{\"city\":\"Paris\"}", call.arguments());
        messages.addAll(List.of(first.aiMessage(), ToolExecutionResultMessage.from(call, "sunny, 12 degrees")));
        ChatResponse second = model.chat(ChatRequest.builder().messages(messages).toolSpecifications(weatherTool()).build());
        assertTrue(second.aiMessage().text().contains("sunny, 12 degrees"), second.toString());
    }

    @Test
    void answerHasTheFormOfASchema() {
        JsonSchema schema = JsonSchema.builder().name("sky").rootElement(JsonObjectSchema.builder()
                .addEnumProperty("sky", List.of("sunny", "rainy")).required("sky").build()).build();
        ChatResponse response = model.chat(ChatRequest.builder().messages(UserMessage.from("Tell me a story."))
                .responseFormat(ResponseFormat.builder().type(ResponseFormatType.JSON).jsonSchema(schema).build()).build());
        assertTrue(response.aiMessage().text().matches("\\{\\s*\"sky\"\\s*:\\s*\"(sunny|rainy)\"\\s*}"), response.aiMessage().text());
    }

    @Test
    void streamIsTheSameAnswerInPieces() {
        OpenAiStreamingChatModel streaming = OpenAiStreamingChatModel.builder().baseUrl(server.url() + "/v1").apiKey("none")
                .modelName(TestServer.MODEL).temperature(0.0).build();
        List<String> pieces = Collections.synchronizedList(new ArrayList<>());
        CompletableFuture<ChatResponse> end = new CompletableFuture<>();
        streaming.chat("What is the capital of Canada?", new StreamingChatResponseHandler() {
            @Override
            public void onPartialResponse(String piece) {
                pieces.add(piece);
            }

            @Override
            public void onCompleteResponse(ChatResponse response) {
                end.complete(response);
            }

            @Override
            public void onError(Throwable error) {
                end.completeExceptionally(error);
            }
        });
        AiMessage message = end.join().aiMessage();
        assertEquals(model.chat("What is the capital of Canada?"), message.text());
        assertEquals(message.text(), String.join("", pieces));
        assertTrue(pieces.size() > 2, pieces.toString());
        assertTrue(end.join().tokenUsage().totalTokenCount() > 0);
    }

    @Test
    void embeddingOfATextIsAVectorOfLengthOne() {
        OpenAiEmbeddingModel embedding = OpenAiEmbeddingModel.builder().baseUrl(server.url() + "/v1").apiKey("none").modelName(TestServer.MODEL).build();
        float[] one = embedding.embed("What is the capital of Canada?").content().vector();
        float[] same = embedding.embed("What is the capital of Canada?").content().vector();
        assertFalse(one.length == 0);
        double dot = 0;
        for (int i = 0; i < one.length; i++) {
            dot += one[i] * same[i];
        }
        assertEquals(1, dot, 1e-5);
    }
}
