package io.gemma4j.langchain4j;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.common.AbstractChatModelIT;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What LangChain4j asks of every {@link ChatModel}, on the small model; where that knows too little, its words are laid down. */
class Gemma4ChatModelTest extends AbstractChatModelIT {
    @Override
    protected List<ChatModel> models() {
        return List.of(new Gemma4ChatModel(TinyModel.shared(), TinyModel.greedy().build()));
    }

    @Override
    protected ChatModel createModelWith(ChatRequestParameters parameters) {
        return new Gemma4ChatModel(TinyModel.shared(), TinyModel.greedy().overrideWith(parameters).build());
    }

    @Override
    protected ChatRequestParameters createIntegrationSpecificParameters(int maxOutputTokens) {
        return TinyModel.greedy().maxOutputTokens(maxOutputTokens).build();
    }

    @Override
    protected boolean supportsModelNameParameter() {
        return false;
    }

    @Override
    protected boolean supportsSingleImageInputAsBase64EncodedString() {
        return false;
    }

    @Override
    protected boolean supportsSingleImageInputAsPublicURL() {
        return false;
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_respect_system_message(ChatModel model) {
        LaidDown.GERMAN.during(() -> super.should_respect_system_message(model));
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_respect_stopSequences_in_chat_request(ChatModel model) {
        LaidDown.HELLO_WORLD.during(() -> super.should_respect_stopSequences_in_chat_request(model));
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_respect_multiple_messages(ChatModel model) {
        LaidDown.GREEN.during(() -> super.should_respect_multiple_messages(model));
    }

    @Test
    @Override
    protected void should_respect_stopSequences_in_default_model_parameters() {
        LaidDown.HELLO_WORLD.during(super::should_respect_stopSequences_in_default_model_parameters);
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_execute_a_tool_then_answer(ChatModel model) {
        LaidDown.WEATHER.during(() -> super.should_execute_a_tool_then_answer(model));
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_execute_a_tool_without_arguments_then_answer(ChatModel model) {
        LaidDown.TIME.during(() -> super.should_execute_a_tool_without_arguments_then_answer(model));
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_execute_multiple_tools_in_parallel_then_answer(ChatModel model) {
        LaidDown.PARALLEL.during(() -> super.should_execute_multiple_tools_in_parallel_then_answer(model));
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_respect_JSON_response_format(ChatModel model) {
        LaidDown.JSON.during(() -> super.should_respect_JSON_response_format(model));
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_respect_JSON_response_format_with_schema(ChatModel model) {
        LaidDown.JSON.during(() -> super.should_respect_JSON_response_format_with_schema(model));
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_respect_JsonRawSchema_responseFormat(ChatModel model) {
        LaidDown.JSON.during(() -> super.should_respect_JsonRawSchema_responseFormat(model));
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_execute_a_tool_then_answer_respecting_JSON_response_format_with_schema(ChatModel model) {
        LaidDown.WEATHER_AS_JSON.during(() -> super.should_execute_a_tool_then_answer_respecting_JSON_response_format_with_schema(model));
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_force_LLM_to_execute_any_tool(ChatModel model) {
        LaidDown.ANY_CALL.during(() -> super.should_force_LLM_to_execute_any_tool(model));
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_force_LLM_to_execute_specific_tool(ChatModel model) {
        LaidDown.THE_CALL.during(() -> super.should_force_LLM_to_execute_specific_tool(model));
    }
}
