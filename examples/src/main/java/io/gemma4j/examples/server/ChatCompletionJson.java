package io.gemma4j.examples.server;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gemma4j.Chat;
import io.gemma4j.Message;
import io.gemma4j.Reply;
import io.gemma4j.TokenScore;
import io.gemma4j.chat.Json;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** An answer in a conversation as OpenAI's API writes it, whole or in pieces. Belongs to one answer, and to one thread at a time. */
final class ChatCompletionJson {
    private final String id = AnswerJson.newId("chatcmpl-");
    private final long created = Instant.now().getEpochSecond();
    private final String model;
    private final LogprobJson logprobs;
    private boolean started;
    private int calls;
    private int toldScores;

    /** @param logprobs how to tell log-probabilities; null if nobody wants them */
    ChatCompletionJson(String model, LogprobJson logprobs) {
        this.model = model;
        this.logprobs = logprobs;
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
        putEnd(reply, choice);
        putLogprobs(reply.logprobs(), choice);
        AnswerJson.putUsage(answer, reply.usage(), reply.timings());
        return answer;
    }

    /** The piece of an event, after the one that says who speaks if it is the first; of the end {@link #end} tells. */
    List<ObjectNode> pieces(Chat.Event event) {
        List<ObjectNode> chunks = new ArrayList<>();
        if (!started) {
            started = true;
            ObjectNode first = chunk();
            delta(first).put("role", "assistant").put("content", "");
            chunks.add(first);
        }
        ObjectNode chunk = chunk();
        switch (event) {
            case Chat.Event.Text(String text, List<TokenScore> scores) -> {
                delta(chunk).put("content", text);
                putLogprobs(scores, choice(chunk));
                toldScores += scores.size();
            }
            case Chat.Event.Thinking(String text) -> delta(chunk).put("reasoning_content", text);
            case Chat.Event.ToolCall(Message.ToolCall call) ->
                write(call, delta(chunk).putArray("tool_calls").addObject().put("index", calls++));
            case Chat.Event.Done done -> {
                return chunks;
            }
        }
        chunks.add(chunk);
        return chunks;
    }

    private static void putEnd(Reply reply, ObjectNode choice) {
        choice.put("finish_reason", AnswerJson.finishReason(reply.finishReason(), !reply.toolCalls().isEmpty()));
    }

    private void putLogprobs(List<TokenScore> scores, ObjectNode choice) {
        choice.putNull("logprobs");
        if (logprobs != null) {
            logprobs.writeChat(scores, choice);
        }
    }

    /** The last pieces: why it ended, how likely the tokens were of which no piece has told, and how many there were if that is wanted. */
    List<ObjectNode> end(Reply reply, boolean usage) {
        List<ObjectNode> chunks = new ArrayList<>();
        // One that was made of the text has had no event.
        reply.toolCalls().stream().skip(calls).toList().forEach(call -> chunks.addAll(pieces(new Chat.Event.ToolCall(call))));
        ObjectNode last = chunk();
        delta(last);
        putEnd(reply, choice(last));
        putLogprobs(reply.logprobs().subList(toldScores, reply.logprobs().size()), choice(last));
        chunks.add(last);
        if (usage) {
            ObjectNode counts = AnswerJson.of(id, "chat.completion.chunk", created, model);
            counts.putArray("choices");
            AnswerJson.putUsage(counts, reply.usage(), reply.timings());
            chunks.add(counts);
        }
        return chunks;
    }

    private ObjectNode chunk() {
        return AnswerJson.of(id, "chat.completion.chunk", created, model);
    }

    private static ObjectNode choice(ObjectNode chunk) {
        return (ObjectNode) chunk.get("choices").get(0);
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
