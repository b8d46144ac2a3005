package io.gemma4j.examples.batch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gemma4j.Chat;
import io.gemma4j.FinishReason;
import io.gemma4j.Gemma4;
import io.gemma4j.Gemma4Exception;
import io.gemma4j.Message;
import io.gemma4j.Reply;
import io.gemma4j.SamplingOptions;
import io.gemma4j.Session;
import io.gemma4j.Thinking;
import io.gemma4j.Tool;
import io.gemma4j.chat.Conversation;
import io.gemma4j.chat.Json;
import io.gemma4j.examples.conversation.ConversationJson;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.UnaryOperator;

/**
 * Answers rows. A row is a JSON object with a {@code prompt}, or with {@code messages} as {@link ConversationJson} reads them, and an {@code id} if need
 * be. Its answer is a JSON object in one line: {@code id}, {@code input} (see {@link RowHash}), and either {@code text}, {@code finish_reason},
 * {@code usage} and, where there are any, {@code thinking} and {@code tool_calls}, or {@code error}.
 *
 * <p>Borrows the model. What rows have in common at their start is computed once. Used by one thread, which closes it; {@link #cancel} from any.
 */
public final class BatchAnswers implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Gemma4 model;
    private final UnaryOperator<SamplingOptions> sampling;
    private final int maxTokens;
    private final Thinking thinking;
    private final Session session; // null where the model keeps sessions itself
    private volatile Chat running;
    private volatile boolean cancelled;

    /**
     * Prepares for rows.
     *
     * @param model stays open meanwhile
     * @param sampling changes the model's default options
     * @param maxTokens of each answer, thoughts included
     * @param thinking of rows that do not ask for it themselves, with {@code enable_thinking}
     */
    public BatchAnswers(Gemma4 model, UnaryOperator<SamplingOptions> sampling, int maxTokens, Thinking thinking) {
        this.model = model;
        this.sampling = sampling;
        this.maxTokens = maxTokens;
        this.thinking = thinking;
        this.session = model.loadOptions().prefixCacheBytes() > 0 ? null : model.newSession();
    }

    /**
     * Answers a row.
     *
     * @param place names the row in messages
     * @param row UTF-8
     * @return JSON without a line end; also where the row is no such thing or cannot be answered
     * @throws CancellationException if it is cancelled, the thread interrupted or the model closed
     */
    public String answer(String place, byte[] row) {
        ObjectNode answer = JSON.createObjectNode();
        String hash = RowHash.of(row);
        try {
            JsonNode object = ConversationJson.object(place, text(place, row));
            if (object.has("id")) {
                answer.set("id", object.get("id"));
            }
            answer.put("input", hash);
            put(answer, reply(conversation(place, object)));
        } catch (Gemma4Exception | IllegalArgumentException e) {
            answer.put("input", hash).put("error", e.getMessage());
        }
        return answer.toString();
    }

    private static String text(String place, byte[] row) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(row)).toString();
        } catch (CharacterCodingException e) {
            throw new Gemma4Exception(place + ": expected UTF-8 text, found other bytes", e);
        }
    }

    private static Conversation conversation(String place, JsonNode object) {
        boolean prompt = object.path("prompt").isTextual();
        if (prompt == object.has("messages")) {
            throw new Gemma4Exception(place + ": expected key 'prompt' with a string or key 'messages' with an array, found "
                    + (prompt ? "both" : "neither"));
        }
        if (!prompt) {
            Conversation conversation = ConversationJson.read(place, object);
            if (conversation.messages().isEmpty()) {
                throw new Gemma4Exception(place + ": key 'messages': expected a message, found none");
            }
            return conversation;
        }
        ObjectNode asked = object.deepCopy(); // with the tools and the thinking that it asks for
        asked.putArray("messages").addObject().put("role", "user").set("content", object.get("prompt"));
        return ConversationJson.read(place, asked);
    }

    private Reply reply(Conversation conversation) {
        Chat.Builder builder = model.chat().session(session).messages(conversation.messages()).sampling(sampling).maxTokens(maxTokens).maxToolRounds(0)
                .thinking(conversation.thinking() && !thinking.enabled() ? Thinking.ON : thinking)
                .tools(conversation.tools().stream().map(tool -> Tool.of(tool.name(), tool.description(), Json.write(tool.parameters()))).toList());
        try (Chat chat = builder.build()) {
            running = chat;
            if (cancelled) {
                throw new CancellationException("the batch was cancelled");
            }
            Reply reply = chat.stream(List.of(), event -> {
                if (cancelled) {
                    chat.cancel(); // once more, in case it was cancelled before it began
                }
            });
            if (reply.finishReason() == FinishReason.CANCELLED) {
                throw new CancellationException("the batch was cancelled");
            }
            return reply;
        }
    }

    private static void put(ObjectNode answer, Reply reply) {
        answer.put("text", reply.text());
        if (!reply.thinking().isEmpty()) {
            answer.put("thinking", reply.thinking());
        }
        if (!reply.toolCalls().isEmpty()) {
            ArrayNode calls = answer.putArray("tool_calls");
            for (Message.ToolCall call : reply.toolCalls()) {
                calls.addObject().put("type", "function").putObject("function").put("name", call.name()).put("arguments", Json.write(call.arguments()));
            }
        }
        answer.put("finish_reason", reply.finishReason().name());
        answer.putObject("usage").put("prompt_tokens", reply.usage().promptTokens()).put("cached_tokens", reply.usage().cachedTokens())
                .put("completion_tokens", reply.usage().generatedTokens());
    }

    /** Ends the row that is being answered, and all later ones. */
    public void cancel() {
        cancelled = true;
        Chat chat = running;
        if (chat != null) {
            chat.cancel();
        }
    }

    @Override
    public void close() {
        if (session != null) {
            session.close();
        }
    }
}
