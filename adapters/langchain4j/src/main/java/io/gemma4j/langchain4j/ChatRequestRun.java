package io.gemma4j.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import io.gemma4j.Chat;
import io.gemma4j.Constraint;
import io.gemma4j.Gemma4;
import io.gemma4j.Message;
import io.gemma4j.Reply;
import io.gemma4j.SamplingOptions;
import io.gemma4j.Session;
import io.gemma4j.Thinking;
import io.gemma4j.Tool;
import io.gemma4j.chat.Json;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** What a request asks for, checked and translated. One run each. */
final class ChatRequestRun {
    private final Gemma4 model;
    private final ChatRequestParameters parameters;
    private final List<Message> messages;
    private final List<Tool> tools;
    private final Optional<Constraint> format;
    private final Optional<DemandedCall> demanded;

    /**
     * Checks a request.
     *
     * @throws UnsupportedFeatureException if it asks for what the model cannot do
     */
    ChatRequestRun(Gemma4 model, ResponseConstraints constraints, ChatRequest request) {
        this.model = model;
        this.parameters = request.parameters();
        check(model, parameters);
        this.messages = RequestMessages.of(request.messages());
        this.tools = parameters.toolSpecifications() == null || parameters.toolChoice() == ToolChoice.NONE ? List.of()
                : parameters.toolSpecifications().stream().map(RequestTools::of).toList();
        this.format = constraints.of(parameters.responseFormat());
        this.demanded = parameters.toolChoice() == ToolChoice.REQUIRED && !tools.isEmpty() ? Optional.of(demanded(constraints)) : Optional.empty();
    }

    private DemandedCall demanded(ResponseConstraints constraints) {
        if (format.isPresent() || parameters.stopSequences() != null && !parameters.stopSequences().isEmpty()) {
            throw new UnsupportedFeatureException("ToolChoice.REQUIRED is not supported together with a JSON response format or stop sequences");
        }
        return DemandedCall.of(tools, constraints);
    }

    /**
     * Checks parameters.
     *
     * @throws UnsupportedFeatureException if they ask for what the model cannot do
     */
    static void check(Gemma4 model, ChatRequestParameters parameters) {
        if (parameters.modelName() != null && !parameters.modelName().equals(model.info().name())) {
            throw new UnsupportedFeatureException("modelName '" + parameters.modelName() + "' is not supported: this model is " + model.info().name());
        }
    }

    /** Opens the conversation; the caller has it answered and closes it. */
    Chat open(Session session) {
        Chat.Builder chat = model.chat().session(session).messages(messages).sampling(this::sampling).maxToolRounds(0).thinking(thinking());
        if (parameters.maxOutputTokens() != null) {
            chat.maxTokens(parameters.maxOutputTokens());
        }
        if (parameters.stopSequences() != null) {
            chat.stop(parameters.stopSequences().toArray(String[]::new));
        }
        demanded.map(DemandedCall::constraint).or(() -> format).ifPresent(chat::constraint);
        return chat.tools(tools).build();
    }

    private Thinking thinking() {
        return parameters instanceof Gemma4ChatRequestParameters own && own.thinking() != null ? own.thinking() : Thinking.OFF;
    }

    private SamplingOptions sampling(SamplingOptions defaults) {
        SamplingOptions options = defaults;
        options = parameters.temperature() == null ? options : options.temperature(parameters.temperature().floatValue());
        options = parameters.topK() == null ? options : options.topK(parameters.topK());
        options = parameters.topP() == null ? options : options.topP(parameters.topP().floatValue());
        options = parameters.frequencyPenalty() == null ? options : options.frequencyPenalty(parameters.frequencyPenalty().floatValue());
        options = parameters.presencePenalty() == null ? options : options.presencePenalty(parameters.presencePenalty().floatValue());
        return parameters instanceof Gemma4ChatRequestParameters own && own.seed() != null ? options.seed(own.seed()) : options;
    }

    /** Whether a text is no answer but a call. */
    boolean textIsCall() {
        return demanded.isPresent();
    }

    /** The reply with the call that was demanded. */
    Reply complete(Reply reply) {
        return demanded.map(call -> call.withCall(reply)).orElse(reply);
    }

    /** A call with an id of its own, which the model does not give. */
    static ToolExecutionRequest toolRequest(Message.ToolCall call) {
        return ToolExecutionRequest.builder().id(UUID.randomUUID().toString()).name(call.name()).arguments(Json.write(call.arguments())).build();
    }

    /**
     * The answer.
     *
     * @param requests the calls of the reply
     */
    ChatResponse response(Reply reply, List<ToolExecutionRequest> requests) {
        return ChatResponse.builder()
                .aiMessage(AiMessage.builder().text(emptyToNull(reply.text())).thinking(emptyToNull(reply.thinking())).toolExecutionRequests(requests)
                        .build())
                .metadata(ChatResponseMetadata.builder().id(UUID.randomUUID().toString()).modelName(model.info().name())
                        .tokenUsage(new TokenUsage(reply.usage().promptTokens(), reply.usage().generatedTokens()))
                        .finishReason(finishReason(reply)).build())
                .build();
    }

    private static String emptyToNull(String text) {
        return text.isEmpty() ? null : text;
    }

    private static FinishReason finishReason(Reply reply) {
        return switch (reply.finishReason()) {
            case STOP -> reply.toolCalls().isEmpty() ? FinishReason.STOP : FinishReason.TOOL_EXECUTION;
            case STOP_SEQUENCE -> FinishReason.STOP;
            case MAX_TOKENS, CONTEXT_FULL -> FinishReason.LENGTH;
            case MALFORMED_TOOL_CALL, CANCELLED -> FinishReason.OTHER;
        };
    }
}
