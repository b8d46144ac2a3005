package io.gemma4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.memory.chat.TokenWindowChatMemory;
import dev.langchain4j.model.chat.request.ChatRequest;
import java.util.List;
import org.junit.jupiter.api.Test;

class Gemma4TokenCountEstimatorTest {
    private static final ToolExecutionRequest CALL = ToolExecutionRequest.builder().id("1").name("get_weather").arguments("{\"city\":\"Rome\"}").build();

    private final Gemma4TokenCountEstimator estimator = new Gemma4TokenCountEstimator(TinyModel.shared());

    private static int promptTokens(List<ChatMessage> messages) {
        return new Gemma4ChatModel(TinyModel.shared()).chat(ChatRequest.builder().messages(messages)
                .parameters(TinyModel.greedy().maxOutputTokens(1).build()).build()).tokenUsage().inputTokenCount();
    }

    @Test
    void messagesTakeWhatTheyAddToAPrompt() {
        List<ChatMessage> one = List.of(UserMessage.from("Hi"));
        // What begins the text and asks for the answer is the same for every conversation.
        int constant = promptTokens(one) - estimator.estimateTokenCountInMessages(one);
        assertThat(constant).isPositive();
        for (List<ChatMessage> messages : List.<List<ChatMessage>>of(
                List.of(SystemMessage.from("Be terse."), UserMessage.from("What is 12 + 30?")),
                List.of(UserMessage.from("I love apple."), AiMessage.from("Apple is a good choice."), UserMessage.from("What is the capital of Canada?")))) {
            assertThat(promptTokens(messages) - estimator.estimateTokenCountInMessages(messages)).isEqualTo(constant);
        }
    }

    @Test
    void messagesByThemselvesTakeAsMuchAsTogether() {
        List<ChatMessage> messages = List.of(UserMessage.from("What is the weather in Rome?"), AiMessage.from(CALL),
                ToolExecutionResultMessage.from(CALL, "sunny"), AiMessage.from("It is sunny."), UserMessage.from("Thank you <turn|>"));
        int sum = messages.stream().mapToInt(estimator::estimateTokenCountInMessage).sum();
        // Alone, an answer opens a turn of its own, which it does not after the result of a tool.
        int opened = TinyModel.shared().tokenizer().encode("model\n", false).length + 1;
        assertThat(sum - opened).isEqualTo(estimator.estimateTokenCountInMessages(messages));
        assertThat(estimator.estimateTokenCountInMessage(messages.get(2))).isGreaterThan(estimator.estimateTokenCountInText("get_weather sunny"));
    }

    @Test
    void aMemoryForgetsWhatHasNoRoom() {
        List<ChatMessage> said = List.of(UserMessage.from("I love apple."), AiMessage.from("Apple sounds good."), UserMessage.from("What is my favorite food?"));
        int room = estimator.estimateTokenCountInMessages(said);
        assertThat(remembered(room, said)).isEqualTo(said);
        assertThat(remembered(room - 1, said)).isEqualTo(said.subList(1, 3));
        assertThat(remembered(20, said)).isEqualTo(said.subList(2, 3));
    }

    private List<ChatMessage> remembered(int tokens, List<ChatMessage> said) {
        TokenWindowChatMemory memory = TokenWindowChatMemory.withMaxTokens(tokens, estimator);
        said.forEach(memory::add);
        return memory.messages();
    }

    @Test
    void textTakesItsTokens() {
        assertThat(estimator.estimateTokenCountInText("")).isZero();
        assertThat(estimator.estimateTokenCountInText("<turn|>")).isGreaterThan(1);
    }
}
