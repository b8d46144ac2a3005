package io.gemma4j.langchain4j;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.service.common.AbstractStreamingAiServiceIT;
import java.lang.reflect.Method;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInfo;

/** What LangChain4j asks of its services with every {@link StreamingChatModel}. */
class StreamingAiServiceTest extends AbstractStreamingAiServiceIT {
    @Override
    protected List<StreamingChatModel> models() {
        return List.of(new Gemma4StreamingChatModel(TinyModel.shared(), TinyModel.greedy().build()));
    }

    @BeforeEach
    void layDown(TestInfo test) {
        ScriptedCpu.says(TinyModel.shared().tokenizer(), switch (test.getTestMethod().map(Method::getName).orElseThrow()) {
            case "should_execute_tool_without_arguments" -> new String[] {"<|tool_call>call:currentDate{}<tool_call|><|tool_response>", "Today.<turn|>"};
            case "should_keep_memory_consistent_when_streaming_using_immediate_tool" -> new String[] {
                "<|tool_call>call:add{arg0:37,arg1:87}<tool_call|><|tool_response>", "<|tool_call>call:add{arg0:124,arg1:47}<tool_call|><|tool_response>"};
            default -> new String[0];
        });
    }
}
