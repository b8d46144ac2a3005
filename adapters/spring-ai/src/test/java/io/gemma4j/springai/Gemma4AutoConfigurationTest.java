package io.gemma4j.springai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gemma4j.Backend;
import io.gemma4j.CpuKernels;
import io.gemma4j.Gemma4;
import io.gemma4j.KvType;
import io.gemma4j.LoadOptions;
import io.gemma4j.Thinking;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.ai.chat.client.AdvisorParams;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.Message;
import org.springframework.ai.chat.messages.SystemMessage;
import org.springframework.ai.chat.messages.ToolResponseMessage;
import org.springframework.ai.chat.messages.UserMessage;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.content.Media;
import org.springframework.ai.tool.ToolCallback;
import org.springframework.ai.tool.function.FunctionToolCallback;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.util.MimeTypeUtils;

/** An application with nothing but properties, on the small model that comes with the examples. */
@SpringBootTest(webEnvironment = SpringBootTest.WebEnvironment.NONE, properties = {"gemma4j.model.path=target/test-classes/tiny.gguf",
    "gemma4j.model.backend=cpu", "gemma4j.model.cpu-kernels=vector", "gemma4j.model.threads=1", "gemma4j.model.context-tokens=1024",
    "gemma4j.model.kv-type=q8_0", "gemma4j.chat.temperature=0", "gemma4j.chat.max-tokens=160"})
class Gemma4AutoConfigurationTest {

    @SpringBootConfiguration
    @EnableAutoConfiguration
    static class Application {}

    record City(String city) {}

    @Autowired
    private ChatClient.Builder client;
    @Autowired
    private ChatModel model;
    @Autowired
    private Gemma4 gemma;

    private final AtomicReference<String> asked = new AtomicReference<>();

    private ToolCallback weather() {
        return FunctionToolCallback.builder("get_weather", (City city) -> {
            asked.set(city.city());
            return "sunny, 12 degrees";
        }).description("Current weather for a city").inputType(City.class).build();
    }

    @Test
    void propertiesReachTheModel() {
        assertThat(gemma.info().contextTokens()).isEqualTo(1024);
        assertThat(model.getOptions().getTemperature()).isZero();
        assertThat(model.getOptions().getMaxTokens()).isEqualTo(160);
        assertThat(model.getOptions().getModel()).isEqualTo(gemma.info().name());
    }

    @Test
    void aQuestionIsAnswered() {
        ChatResponse response = client.build().prompt("What is the capital of Germany?").call().chatResponse();
        assertThat(response.getResult().getOutput().getText()).contains("Berlin");
        assertThat(response.getResult().getMetadata().getFinishReason()).isEqualTo("STOP");
        assertThat(response.getMetadata().getModel()).isEqualTo(gemma.info().name());
        assertThat(response.getMetadata().getUsage().getPromptTokens()).isPositive();
        assertThat(response.getMetadata().getUsage().getCompletionTokens()).isPositive();
        assertThat(client.build().prompt().system("Answer in upper case.").user("What is the capital of Canada?").call().content()).contains("OTTAWA");
    }

    @Test
    void toolsAreCalledAndTheirResultsUsed() {
        String answer = client.build().prompt("What is the weather in Paris?").tools(weather()).call().content();
        assertThat(asked.get()).isEqualTo("Paris");
        assertThat(answer).contains("sunny, 12 degrees");
    }

    @Test
    void streamedAnswersCallToolsAsWell() {
        List<String> pieces = client.build().prompt("What is the weather in Rome?").tools(weather()).stream().content().collectList().block();
        assertThat(asked.get()).isEqualTo("Rome");
        assertThat(pieces).hasSizeGreaterThan(2);
        assertThat(String.join("", pieces)).contains("sunny, 12 degrees");
    }

    @Test
    void aStreamIsTheAnswerInPieces() {
        Prompt prompt = new Prompt("What is the capital of Germany?", model.getOptions());
        List<ChatResponse> pieces = model.stream(prompt).collectList().block();
        String text = String.join("", pieces.stream().map(piece -> piece.getResult().getOutput().getText()).toList());
        assertThat(text).isEqualTo(model.call(prompt).getResult().getOutput().getText());
        assertThat(pieces.getLast().getResult().getMetadata().getFinishReason()).isEqualTo("STOP");
        assertThat(pieces.getLast().getMetadata().getUsage().getCompletionTokens()).isPositive();
        assertThat(pieces.stream().map(piece -> piece.getMetadata().getId()).distinct()).hasSize(1);
    }

    @Test
    void whoHasHeardEnoughEndsTheAnswer() {
        Prompt story = new Prompt("Can you tell a story about a wolf named Eric?", model.getOptions());
        String whole = model.call(story).getResult().getOutput().getText();
        List<ChatResponse> first = model.stream(story).take(3).collectList().block();
        assertThat(whole).startsWith(String.join("", first.stream().map(piece -> piece.getResult().getOutput().getText()).toList()));
        assertThat(model.call(story).getResult().getOutput().getText()).isEqualTo(whole);
    }

    @Test
    void thoughtsAreKeptApart() {
        Prompt prompt = new Prompt("88 - 41 = ?", ((Gemma4ChatOptions) model.getOptions()).mutate().thinking(Thinking.ON).build());
        AssistantMessage answer = model.call(prompt).getResult().getOutput();
        assertThat(answer.getText()).contains("47");
        assertThat((String) answer.getMetadata().get("thinking")).isNotBlank();
        String thoughts = String.join("", model.stream(prompt).mapNotNull(piece -> (String) piece.getResult().getOutput().getMetadata().get("thinking"))
                .collectList().block());
        assertThat(thoughts).isEqualTo(answer.getMetadata().get("thinking"));
    }

    @Test
    void aConversationThatGoesOnIsNotComputedFromItsStart() {
        List<Message> said = List.of(new UserMessage("I love apple."));
        String first = model.call(new Prompt(said, model.getOptions())).getResult().getOutput().getText();
        ChatResponse second = model.call(new Prompt(List.of(said.getFirst(), new AssistantMessage(first), new UserMessage("What is my favorite food?")),
                model.getOptions()));
        assertThat(second.getResult().getOutput().getText()).contains("apple");
        assertThat(second.getMetadata().getUsage().getCacheReadInputTokens()).isGreaterThan(5);
    }

    @Test
    void callsAndResultsOfAConversationMayComeInAnyOrder() {
        List<AssistantMessage.ToolCall> calls = List.of(new AssistantMessage.ToolCall("1", "function", "get_weather", "{\"city\":\"Rome\"}"),
                new AssistantMessage.ToolCall("2", "function", "get_weather", "{\"city\":\"Oslo\"}"));
        ToolResponseMessage.ToolResponse rome = new ToolResponseMessage.ToolResponse("1", "get_weather", "sunny");
        ToolResponseMessage.ToolResponse oslo = new ToolResponseMessage.ToolResponse("2", "get_weather", "rainy");
        assertThat(Stream.of(List.of(rome, oslo), List.of(oslo, rome)).map(responses -> PromptMessages.of(List.of(new SystemMessage("s"), new UserMessage("u"),
                AssistantMessage.builder().content("").toolCalls(calls).build(), ToolResponseMessage.builder().responses(responses).build())))
                .distinct()).hasSize(1).first().satisfies(messages ->
                        assertThat(messages.getLast().toolResults().stream().map(result -> result.value())).isEqualTo(List.of("sunny", "rainy")));
    }

    record Person(String job, String food, int age) {}

    @Test
    void answersBecomeRecordsWhateverTheModelWouldRatherSay() {
        Person person = client.build().prompt("What is the capital of Germany?").advisors(AdvisorParams.ENABLE_NATIVE_STRUCTURED_OUTPUT).call()
                .entity(Person.class);
        assertThat(person.job()).isNotNull();
        assertThat(person.food()).isNotNull();
    }

    @Test
    void picturesAreRefused() {
        UserMessage picture = UserMessage.builder().text("What is this?").media(new Media(MimeTypeUtils.IMAGE_PNG, URI.create("https://example.org/a.png"))).build();
        assertThatThrownBy(() -> model.call(new Prompt(List.of(picture), model.getOptions()))).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("text only");
    }

    @Test
    void propertiesOfTheModelAreItsLoadOptions() {
        Gemma4Properties.Model none = new Gemma4Properties.Model(null, null, null, null, null, null, null, null, null, null);
        assertThat(none.loadOptions()).isEqualTo(LoadOptions.defaults());
        Gemma4Properties.Model all = new Gemma4Properties.Model(null, Backend.CPU, 100, KvType.F32, 7, 2, CpuKernels.SCALAR, true, false, 5L);
        assertThat(all.loadOptions()).isEqualTo(LoadOptions.defaults().backend(Backend.CPU).contextTokens(100).kvType(KvType.F32).prefillTokens(7).threads(2)
                .cpuKernels(CpuKernels.SCALAR).lockMemory(true).prefixCacheBytes(5));
        Gemma4Properties.Model fit = new Gemma4Properties.Model(null, null, 100, null, null, null, null, null, true, null);
        assertThat(fit.loadOptions().contextTokens()).isEqualTo(LoadOptions.FIT_MEMORY);
    }

    @Test
    void everyPropertyIsDescribedForEditors() throws Exception {
        String metadata;
        try (InputStream in = Gemma4Properties.class.getResourceAsStream("/META-INF/spring-configuration-metadata.json")) {
            metadata = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        Map.of("model", Gemma4Properties.Model.class, "chat", Gemma4Properties.Chat.class).forEach((group, type) ->
                Arrays.stream(type.getRecordComponents()).forEach(component -> {
                    String name = component.getName().replaceAll("([A-Z])", "-$1").toLowerCase();
                    assertThat(metadata).containsPattern("\"gemma4j." + group + "." + name + "\",\\s*\"type\": \"[^\"]+\",\\s*\"description\": \"[a-zA-Z]");
                }));
    }
}
