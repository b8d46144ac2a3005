package io.gemma4j.springai;

import io.gemma4j.Chat;
import io.gemma4j.Gemma4;
import io.gemma4j.Message;
import io.gemma4j.Reply;
import io.gemma4j.SamplingOptions;
import io.gemma4j.Session;
import io.gemma4j.Thinking;
import io.gemma4j.Tool;
import io.gemma4j.chat.Json;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.metadata.ChatGenerationMetadata;
import org.springframework.ai.chat.metadata.ChatResponseMetadata;
import org.springframework.ai.chat.metadata.DefaultUsage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.Generation;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.model.tool.StructuredOutputChatOptions;
import org.springframework.ai.model.tool.ToolCallingChatOptions;
import org.springframework.ai.tool.ToolCallback;
import org.springframework.ai.tool.definition.ToolDefinition;

/** A prompt, translated, and its answer, translated back. One run each. */
final class PromptRun {
    private final Gemma4 model;
    private final ChatOptions options;
    private final List<Message> messages;
    private final OutputConstraints constraints;
    private final String id = UUID.randomUUID().toString();

    /**
     * Checks a prompt.
     *
     * @throws IllegalArgumentException if it asks for what the model cannot do
     */
    PromptRun(Gemma4 model, OutputConstraints constraints, Prompt prompt) {
        this.model = model;
        this.constraints = constraints;
        this.options = prompt.getOptions();
        this.messages = PromptMessages.of(prompt.getInstructions());
    }

    /** Opens the conversation; the caller has it answered and closes it. */
    Chat open(Session session) {
        Chat.Builder chat = model.chat().session(session).messages(messages).sampling(this::sampling).maxToolRounds(0).thinking(thinking());
        if (options.getMaxTokens() != null) {
            chat.maxTokens(options.getMaxTokens());
        }
        if (options.getStopSequences() != null) {
            chat.stop(options.getStopSequences().toArray(String[]::new));
        }
        if (options instanceof ToolCallingChatOptions calling && calling.getToolCallbacks() != null) {
            chat.tools(calling.getToolCallbacks().stream().map(ToolCallback::getToolDefinition).map(PromptRun::tool).toList());
        }
        if (options instanceof StructuredOutputChatOptions structured && structured.getOutputSchema() != null) {
            chat.constraint(constraints.of(structured.getOutputSchema()));
        }
        return chat.build();
    }

    private static Tool tool(ToolDefinition definition) {
        return Tool.of(definition.name(), definition.description(), definition.inputSchema());
    }

    private Thinking thinking() {
        return options instanceof Gemma4ChatOptions own && own.getThinking() != null ? own.getThinking() : Thinking.OFF;
    }

    private SamplingOptions sampling(SamplingOptions defaults) {
        SamplingOptions sampling = defaults;
        sampling = options.getTemperature() == null ? sampling : sampling.temperature(options.getTemperature().floatValue());
        sampling = options.getTopK() == null ? sampling : sampling.topK(options.getTopK());
        sampling = options.getTopP() == null ? sampling : sampling.topP(options.getTopP().floatValue());
        sampling = options.getFrequencyPenalty() == null ? sampling : sampling.frequencyPenalty(options.getFrequencyPenalty().floatValue());
        sampling = options.getPresencePenalty() == null ? sampling : sampling.presencePenalty(options.getPresencePenalty().floatValue());
        return options instanceof Gemma4ChatOptions own && own.getSeed() != null ? sampling.seed(own.getSeed()) : sampling;
    }

    /** The whole answer. */
    ChatResponse response(Reply reply) {
        return response(reply, reply.text(), reply.thinking());
    }

    /** What ends a streamed answer: its calls, why it ended and how many tokens it took. */
    ChatResponse end(Reply reply) {
        return response(reply, "", "");
    }

    private ChatResponse response(Reply reply, String text, String thinking) {
        ChatResponseMetadata metadata = ChatResponseMetadata.builder().id(id).model(model.info().name())
                .usage(new DefaultUsage(reply.usage().promptTokens(), reply.usage().generatedTokens(), null, null, (long) reply.usage().cachedTokens(), null))
                .build();
        ChatGenerationMetadata ended = ChatGenerationMetadata.builder().finishReason(finishReason(reply)).build();
        return new ChatResponse(List.of(new Generation(message(text, thinking, reply.toolCalls()), ended)), metadata);
    }

    /** A piece of a streamed answer. */
    ChatResponse piece(String text, String thinking) {
        return new ChatResponse(List.of(new Generation(message(text, thinking, List.of()))),
                ChatResponseMetadata.builder().id(id).model(model.info().name()).build());
    }

    private static AssistantMessage message(String text, String thinking, List<Message.ToolCall> calls) {
        return AssistantMessage.builder().content(text).properties(thinking.isEmpty() ? Map.of() : Map.of(PromptMessages.THINKING, thinking))
                .toolCalls(calls.stream().map(call -> new AssistantMessage.ToolCall(UUID.randomUUID().toString(), "function", call.name(),
                        Json.write(call.arguments()))).toList())
                .build();
    }

    private static String finishReason(Reply reply) {
        return switch (reply.finishReason()) {
            case STOP -> reply.toolCalls().isEmpty() ? "STOP" : "TOOL_CALLS";
            case STOP_SEQUENCE -> "STOP";
            case MAX_TOKENS, CONTEXT_FULL -> "LENGTH";
            case MALFORMED_TOOL_CALL, CANCELLED -> reply.finishReason().name();
        };
    }
}
