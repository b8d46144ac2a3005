package io.gemma4j.langchain4j;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.service.common.AbstractAiServiceIT;
import java.lang.reflect.Method;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInfo;

/** What LangChain4j asks of its services with every {@link ChatModel}. */
class AiServiceTest extends AbstractAiServiceIT {
    @Override
    protected List<ChatModel> models() {
        return List.of(new Gemma4ChatModel(TinyModel.shared(), TinyModel.greedy().build()));
    }

    @BeforeEach
    void layDown(TestInfo test) {
        ScriptedCpu.says(TinyModel.shared().tokenizer(), switch (test.getTestMethod().map(Method::getName).orElseThrow()) {
            case "should_execute_tool_then_return_structured_output" -> new String[] {
                "<|tool_call>call:getWeather{arg0:<|\"|>Munich<|\"|>}<tool_call|><|tool_response>", "{\"city\": \"Munich\", \"weather\": \"SUNNY\"}"};
            default -> new String[0];
        });
    }
}
