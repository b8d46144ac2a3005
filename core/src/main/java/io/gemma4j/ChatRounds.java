package io.gemma4j;

import io.gemma4j.chat.Conversation;
import io.gemma4j.chat.Json;
import io.gemma4j.chat.PromptRenderer;
import io.gemma4j.chat.ValueBinding;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * From a question to its answer: the rounds in which the model calls and hears from tools.
 *
 * @param sessions gives the chat's session, given the first prompt; each round enters it
 * @param cancelled asked before every layer
 * @param sink takes the events of all rounds
 */
record ChatRounds(Gemma4 model, ChatOptions options, Function<int[], Session> sessions, BooleanSupplier cancelled, Consumer<? super Chat.Event> sink) {

    /** Gives the answer and adds to the conversation what the model and the tools have said; of an answer that does not count, nothing. */
    Reply converse(List<Message> conversation) {
        Reply reply = answer(conversation);
        for (int round = 0; counts(reply); round++) {
            // What is said beside a call has no place in the format once the tool has answered.
            conversation.add(reply.toolCalls().isEmpty() ? Message.model(reply.text()) : Message.calls(reply.thinking(), reply.toolCalls()));
            if (round == options.maxToolRounds() || !options.canAnswer(reply.toolCalls())) {
                break;
            }
            conversation.add(Message.results(reply.toolCalls().stream().map(options::answer).toList()));
            reply = answer(conversation).after(reply);
        }
        return reply;
    }

    /** Whether an answer becomes part of the conversation. */
    static boolean counts(Reply reply) {
        return reply.finishReason() != FinishReason.CANCELLED && reply.finishReason() != FinishReason.MALFORMED_TOOL_CALL;
    }

    /**
     * An answer as a record.
     *
     * @throws CancellationException if it was cancelled
     * @throws IllegalStateException if it is no text
     * @throws IllegalArgumentException if the constructor of the record refuses it
     */
    static <R extends Record> R bind(Reply reply, Class<R> type) {
        if (reply.finishReason() == FinishReason.CANCELLED) {
            throw new CancellationException("the answer was cancelled");
        }
        if (!reply.toolCalls().isEmpty() || reply.finishReason() == FinishReason.MALFORMED_TOOL_CALL || reply.text().isEmpty()) {
            throw new IllegalStateException("the model has called tools instead of answering: " + reply.toolCalls());
        }
        return type.cast(ValueBinding.toJava(Json.read(reply.text()), type, type.getSimpleName()));
    }

    private Reply answer(List<Message> conversation) {
        int[] prompt = prompt(conversation);
        Session session = sessions.apply(prompt);
        session.enter();
        try {
            return new ChatRun(model, session, prompt, options, cancelled, sink).run();
        } finally {
            session.exit();
        }
    }

    private int[] prompt(List<Message> conversation) {
        int context = model.contextTokens();
        int[] tokens = render(conversation);
        if (options.overflow() == Chat.Overflow.DROP_OLDEST && tokens.length + Math.min(options.maxTokens(), context / 4) > context) {
            while (tokens.length > context / 2 && ChatTurns.dropOldest(conversation)) {
                tokens = render(conversation);
            }
        }
        if (tokens.length > context) {
            throw new ContextOverflowException(tokens.length, 0, context);
        }
        return tokens;
    }

    private int[] render(List<Message> conversation) {
        return PromptRenderer.tokens(model.tokenizer(),
                PromptRenderer.render(new Conversation(options.told(conversation), options.declarations(), options.thinking().enabled(), true)));
    }
}
