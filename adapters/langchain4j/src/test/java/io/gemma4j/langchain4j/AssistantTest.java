package io.gemma4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.agent.tool.P;
import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.memory.ChatMemory;
import dev.langchain4j.memory.chat.TokenWindowChatMemory;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialThinking;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.Result;
import dev.langchain4j.service.SystemMessage;
import dev.langchain4j.service.TokenStream;
import io.gemma4j.Thinking;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Applications of LangChain4j with the small model, nothing laid down. */
class AssistantTest {
    private final List<String> asked = new ArrayList<>();

    interface Assistant {
        Result<String> ask(String question);

        @SystemMessage("Answer in upper case.")
        String shout(String question);
    }

    interface StreamingAssistant {
        TokenStream ask(String question);
    }

    /** A tool. */
    public final class Weather {
        /** Called by LangChain4j. */
        @Tool(name = "get_weather", value = "Current weather for a city")
        public String weather(@P(name = "city", value = "City name") String city) {
            asked.add(city);
            return "sunny, 12 degrees";
        }
    }

    private static AiServices<Assistant> assistant() {
        return AiServices.builder(Assistant.class).chatModel(new Gemma4ChatModel(TinyModel.shared(), TinyModel.greedy().maxOutputTokens(160).build()));
    }

    @Test
    void toolsAreCalledAndTheirResultsUsed() {
        Result<String> result = assistant().tools(new Weather()).build().ask("What is the weather in Paris?");
        assertThat(asked).containsExactly("Paris");
        assertThat(result.content()).contains("sunny, 12 degrees");
        assertThat(result.toolExecutions()).hasSize(1);
        assertThat(result.tokenUsage().inputTokenCount()).isPositive();
    }

    @Test
    void whatWasSaidBeforeIsKnown() {
        ChatMemory memory = TokenWindowChatMemory.withMaxTokens(500, new Gemma4TokenCountEstimator(TinyModel.shared()));
        Assistant assistant = assistant().chatMemory(memory).build();
        int alone = assistant.ask("I love apple.").tokenUsage().inputTokenCount();
        Result<String> answer = assistant.ask("What is my favorite food?");
        assertThat(answer.content()).contains("apple");
        assertThat(answer.tokenUsage().inputTokenCount()).isGreaterThan(2 * alone);
    }

    interface Extractor {
        Person extract(String text);
    }

    record Person(String job, String food, int age) {}

    @Test
    void answersBecomeRecordsWhateverTheModelWouldRatherSay() {
        Extractor extractor = AiServices.create(Extractor.class, new Gemma4ChatModel(TinyModel.shared(), TinyModel.greedy().maxOutputTokens(160).build()));
        assertThat(extractor.extract("Return job pilot, food plum and age 31 as JSON.")).isEqualTo(new Person("pilot", "plum", 31));
        assertThat(extractor.extract("Tell me the capital of Norway.")).isNotNull();
    }

    @Test
    void aCallThatIsDemandedIsMadeWhateverTheModelWouldRatherSay() {
        ToolSpecification dress = ToolSpecification.builder().name("dress")
                .parameters(JsonObjectSchema.builder().addIntegerProperty("size").required("size").build()).build();
        ToolSpecification greet = ToolSpecification.builder().name("greet")
                .parameters(JsonObjectSchema.builder().addEnumProperty("word", List.of("hi", "hello")).required("word").build()).build();
        Gemma4ChatModel model = new Gemma4ChatModel(TinyModel.shared(), TinyModel.greedy().maxOutputTokens(60).build());
        for (List<ToolSpecification> tools : List.of(List.of(dress), List.of(greet), List.of(dress, greet))) {
            AiMessage answer = model.chat(ChatRequest.builder().messages(UserMessage.from("What is the capital of Canada?"))
                    .toolSpecifications(tools).toolChoice(ToolChoice.REQUIRED).build()).aiMessage();
            assertThat(answer.text()).isNull();
            assertThat(answer.toolExecutionRequests()).singleElement().satisfies(call -> assertThat(call.arguments())
                    .matches(call.name().equals("dress") ? "\\{\"size\":-?\\d+}" : "\\{\"word\":\"(hi|hello)\"}"));
        }
        assertThatThrownBy(() -> model.chat(ChatRequest.builder().messages(UserMessage.from("x")).toolSpecifications(dress).toolChoice(ToolChoice.REQUIRED)
                .stopSequences(List.of("y")).build())).isInstanceOf(UnsupportedFeatureException.class);
    }

    @Test
    void rulesOfTheSystemAreKept() {
        assertThat(assistant().build().shout("What is the capital of Canada?")).contains("OTTAWA");
    }

    @Test
    void streamedAnswersCallToolsAsWell() throws Exception {
        StreamingAssistant assistant = AiServices.builder(StreamingAssistant.class)
                .streamingChatModel(new Gemma4StreamingChatModel(TinyModel.shared(), TinyModel.greedy().maxOutputTokens(160).build()))
                .tools(new Weather()).build();
        StringBuffer pieces = new StringBuffer();
        CompletableFuture<ChatResponse> done = new CompletableFuture<>();
        assistant.ask("What is the weather in Rome?").onPartialResponse(pieces::append).onCompleteResponse(done::complete)
                .onError(done::completeExceptionally).start();
        ChatResponse response = done.get(60, TimeUnit.SECONDS);
        assertThat(asked).containsExactly("Rome");
        assertThat(pieces.toString()).isEqualTo(response.aiMessage().text()).contains("sunny, 12 degrees");
    }

    @Test
    void thoughtsAreKeptApart() throws Exception {
        ChatRequest request = ChatRequest.builder().messages(UserMessage.from("88 - 41 = ?"))
                .parameters(TinyModel.greedy().thinking(Thinking.ON).maxOutputTokens(160).build()).build();
        AiMessage answer = new Gemma4ChatModel(TinyModel.shared()).chat(request).aiMessage();
        assertThat(answer.text()).contains("47");
        assertThat(answer.thinking()).isNotBlank();
        StringBuffer thoughts = new StringBuffer();
        CompletableFuture<ChatResponse> done = new CompletableFuture<>();
        new Gemma4StreamingChatModel(TinyModel.shared()).chat(request, new StreamingChatResponseHandler() {
            @Override
            public void onPartialThinking(PartialThinking partial) {
                thoughts.append(partial.text());
            }

            @Override
            public void onCompleteResponse(ChatResponse response) {
                done.complete(response);
            }

            @Override
            public void onError(Throwable error) {
                done.completeExceptionally(error);
            }
        });
        assertThat(done.get(60, TimeUnit.SECONDS).aiMessage()).isEqualTo(answer);
        assertThat(thoughts.toString()).isEqualTo(answer.thinking());
    }

    @Test
    void theSameSeedGivesTheSameAnswer() {
        Gemma4ChatModel model = new Gemma4ChatModel(TinyModel.shared(), Gemma4ChatRequestParameters.builder().temperature(1.5).seed(5L).build());
        String story = model.chat("Can you tell a story about a wolf named Eric?");
        assertThat(model.chat("Can you tell a story about a wolf named Eric?")).isEqualTo(story);
        Gemma4ChatRequestParameters other = Gemma4ChatRequestParameters.builder().seed(6L).build();
        assertThat(model.chat(ChatRequest.builder().messages(UserMessage.from("Can you tell a story about a wolf named Eric?")).parameters(other).build())
                .aiMessage().text()).isNotEqualTo(story);
    }
}
