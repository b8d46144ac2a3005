package io.gemma4j.langchain4j;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.common.AbstractStreamingChatModelIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.mockito.InOrder;

/** What LangChain4j asks of every {@link StreamingChatModel}, on the small model; where that knows too little, its words are laid down. */
class Gemma4StreamingChatModelTest extends AbstractStreamingChatModelIT {
    @Override
    protected List<StreamingChatModel> models() {
        return List.of(new Gemma4StreamingChatModel(TinyModel.shared(), TinyModel.greedy().build()));
    }

    @Override
    public StreamingChatModel createModelWith(ChatModelListener listener) {
        return new Gemma4StreamingChatModel(TinyModel.shared(), TinyModel.greedy().build(), listener);
    }

    @Override
    protected StreamingChatModel createModelWith(ChatRequestParameters parameters) {
        return new Gemma4StreamingChatModel(TinyModel.shared(), TinyModel.greedy().overrideWith(parameters).build());
    }

    @Override
    protected ChatRequestParameters createIntegrationSpecificParameters(int maxOutputTokens) {
        return TinyModel.greedy().maxOutputTokens(maxOutputTokens).build();
    }

    /** The model's calls are known once they are complete. */
    @Override
    protected boolean supportsPartialToolStreaming(StreamingChatModel model) {
        return false;
    }

    @Override
    protected void verifyToolCallbacks(StreamingChatResponseHandler handler, InOrder order, String id) {
        order.verify(handler).onCompleteToolCall(complete(0, id, "getWeather", "{\"city\":\"Munich\"}"));
    }

    @Override
    protected void verifyToolCallbacks(StreamingChatResponseHandler handler, InOrder order, String first, String second) {
        verifyToolCallbacks(handler, order, first);
        order.verify(handler).onCompleteToolCall(complete(1, second, "getTime", "{\"country\":\"France\"}"));
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
    protected void should_respect_system_message(StreamingChatModel model) {
        LaidDown.GERMAN.during(() -> super.should_respect_system_message(model));
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_respect_stopSequences_in_chat_request(StreamingChatModel model) {
        LaidDown.HELLO_WORLD.during(() -> super.should_respect_stopSequences_in_chat_request(model));
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_respect_multiple_messages(StreamingChatModel model) {
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
    protected void should_execute_a_tool_then_answer(StreamingChatModel model) {
        LaidDown.WEATHER.during(() -> super.should_execute_a_tool_then_answer(model));
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_execute_a_tool_without_arguments_then_answer(StreamingChatModel model) {
        LaidDown.TIME.during(() -> super.should_execute_a_tool_without_arguments_then_answer(model));
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_execute_multiple_tools_in_parallel_then_answer(StreamingChatModel model) {
        LaidDown.PARALLEL.during(() -> super.should_execute_multiple_tools_in_parallel_then_answer(model));
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_respect_JSON_response_format(StreamingChatModel model) {
        LaidDown.JSON.during(() -> super.should_respect_JSON_response_format(model));
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_respect_JSON_response_format_with_schema(StreamingChatModel model) {
        LaidDown.JSON.during(() -> super.should_respect_JSON_response_format_with_schema(model));
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_respect_JsonRawSchema_responseFormat(StreamingChatModel model) {
        LaidDown.JSON.during(() -> super.should_respect_JsonRawSchema_responseFormat(model));
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_execute_a_tool_then_answer_respecting_JSON_response_format_with_schema(StreamingChatModel model) {
        LaidDown.WEATHER_AS_JSON.during(() -> super.should_execute_a_tool_then_answer_respecting_JSON_response_format_with_schema(model));
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_force_LLM_to_execute_any_tool(StreamingChatModel model) {
        LaidDown.ANY_CALL.during(() -> super.should_force_LLM_to_execute_any_tool(model));
    }

    @ParameterizedTest
    @MethodSource("models")
    @Override
    protected void should_force_LLM_to_execute_specific_tool(StreamingChatModel model) {
        LaidDown.THE_CALL.during(() -> super.should_force_LLM_to_execute_specific_tool(model));
    }
}
