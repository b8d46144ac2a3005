package io.gemma4j.examples.server;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gemma4j.Chat;
import io.gemma4j.Message;
import io.gemma4j.Reply;
import io.gemma4j.chat.Json;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** An answer in a conversation as OpenAI's API writes it, whole or in pieces. Belongs to one answer, and to one thread at a time. */
final class ChatCompletionJson {
    private final String id = AnswerJson.newId("chatcmpl-");
    private final long created = Instant.now().getEpochSecond();
    private final String model;
    private int calls;

    ChatCompletionJson(String model) {
        this.model = model;
    }

    /** All of it at once. */
    ObjectNode whole(Reply reply) {
        ObjectNode answer = AnswerJson.of(id, "chat.completion", created, model);
        ObjectNode choice = answer.putArray("choices").addObject().put("index", 0);
        ObjectNode message = choice.putObject("message").put("role", "assistant");
        message.put("content", reply.text().isEmpty() && !reply.toolCalls().isEmpty() ? null : reply.text()).putNull("refusal");
        if (!reply.thinking().isEmpty()) {
            message.put("reasoning_content", reply.thinking());
        }
        if (!reply.toolCalls().isEmpty()) {
            ArrayNode array = message.putArray("tool_calls");
            reply.toolCalls().forEach(call -> write(call, array.addObject()));
        }
        choice.putNull("logprobs").put("finish_reason", AnswerJson.finishReason(reply.finishReason(), !reply.toolCalls().isEmpty()));
        AnswerJson.putUsage(answer, reply.usage());
        return answer;
    }

    /** The first piece, which says who speaks. */
    ObjectNode start() {
        ObjectNode chunk = chunk();
        delta(chunk).put("role", "assistant").put("content", "");
        return chunk;
    }

    /** The piece of an event; none for the end, of which {@link #end} tells. */
    Optional<ObjectNode> piece(Chat.Event event) {
        ObjectNode chunk = chunk();
        switch (event) {
            case Chat.Event.Text(String text) -> delta(chunk).put("content", text);
            case Chat.Event.Thinking(String text) -> delta(chunk).put("reasoning_content", text);
            case Chat.Event.ToolCall(Message.ToolCall call) ->
                write(call, delta(chunk).putArray("tool_calls").addObject().put("index", calls++));
            case Chat.Event.Done done -> {
                return Optional.empty();
            }
        }
        return Optional.of(chunk);
    }

    /** The last pieces: why it ended, and what it took if that is wanted. */
    List<ObjectNode> end(Reply reply, boolean usage) {
        List<ObjectNode> chunks = new ArrayList<>();
        ObjectNode last = chunk();
        delta(last);
        ((ObjectNode) last.get("choices").get(0)).put("finish_reason", AnswerJson.finishReason(reply.finishReason(), !reply.toolCalls().isEmpty()));
        chunks.add(last);
        if (usage) {
            ObjectNode counts = AnswerJson.of(id, "chat.completion.chunk", created, model);
            counts.putArray("choices");
            AnswerJson.putUsage(counts, reply.usage());
            chunks.add(counts);
        }
        return chunks;
    }

    private ObjectNode chunk() {
        return AnswerJson.of(id, "chat.completion.chunk", created, model);
    }

    private static ObjectNode delta(ObjectNode chunk) {
        ObjectNode choice = chunk.putArray("choices").addObject().put("index", 0);
        choice.putNull("finish_reason");
        return choice.putObject("delta");
    }

    private static void write(Message.ToolCall call, ObjectNode node) {
        node.put("id", AnswerJson.newId("call_")).put("type", "function");
        node.putObject("function").put("name", call.name()).put("arguments", Json.write(call.arguments()));
    }
}
