package io.gemma4j;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/**
 * A conversation with a model.
 *
 * {@snippet :
 * try (Chat chat = model.chat().system("You are terse.").tool(weather).build()) {
 *     System.out.println(chat.send("Weather in Oslo?").text());
 *     chat.stream("And in Bergen?", event -> {
 *         if (event instanceof Chat.Event.Text(String text, _)) {
 *             System.out.print(text);
 *         }
 *     });
 * }
 * }
 *
 * <p>Everything said so far is rendered anew for each answer, as the model's format wants it; tokens that the session holds already cost nothing,
 * see {@link TokenUsage#cachedTokens()}. An answer that fails, is cancelled or interrupted, or ends in a call that cannot be read, leaves the chat as
 * it was before.
 *
 * <p>Belongs to one caller at a time: a call that meets another one throws {@link IllegalStateException} and changes nothing. Only
 * {@link #cancel()}, {@link #messages()} and {@link #close()} may be called at any time. Closed by whoever built it, at the latest with its model.
 */
public final class Chat implements AutoCloseable {
    /** What happens when the conversation has outgrown the context. */
    public enum Overflow {
        /** {@link ContextOverflowException}. */
        FAIL,
        /**
         * As soon as less than a quarter of the context is left for the answer, the oldest turns are forgotten until half of it is free. The system's
         * message and the last turn stay; if they do not fit, that is a {@link ContextOverflowException}.
         */
        DROP_OLDEST
    }

    /** What comes while the model answers. */
    public sealed interface Event {
        /**
         * A piece of the answer.
         *
         * @param text not empty, not ending within a character
         * @param logprobs of the answer's tokens that were drawn since the piece before, if the chat notes them: {@link Builder#logprobs}. Tokens after the last
         *     piece are in {@link Reply#logprobs()} alone
         */
        record Text(String text, List<TokenScore> logprobs) implements Event {
            /** Copies the list. */
            public Text {
                logprobs = List.copyOf(logprobs);
            }
        }

        /**
         * A piece of the thoughts.
         *
         * @param text not empty, not ending within a character
         */
        record Thinking(String text) implements Event {}

        /**
         * A call, once it is complete.
         *
         * @param call of a tool, which need not exist
         */
        record ToolCall(Message.ToolCall call) implements Event {}

        /**
         * The end, once.
         *
         * @param reply what is returned as well
         */
        record Done(Reply reply) implements Event {}
    }

    private final Gemma4 model;
    private final ChatOptions options;
    private final Session lent; // null if it has its own
    private final AtomicReference<Session> own = new AtomicReference<>();
    private final AtomicBoolean inUse = new AtomicBoolean();
    private final Map<Class<?>, Constraint> forms = new ConcurrentHashMap<>();
    private volatile boolean cancelled;
    private volatile boolean closed;
    private volatile List<Message> messages;

    private Chat(Gemma4 model, ChatOptions options, List<Message> messages, Session lent) {
        this.model = model;
        this.options = options;
        this.messages = messages;
        this.lent = lent;
        if (lent == null && !model.sessions().keepsPrefixes()) {
            own.set(model.newSession()); // otherwise it depends on the first prompt
        }
    }

    /**
     * Says something and waits for the answer.
     *
     * @param text no part of it becomes a control token
     * @return the answer; a cancelled one holds what there was
     * @throws ContextOverflowException if the conversation does not fit the context
     * @throws IllegalArgumentException if tool calls are still to be answered
     * @throws IllegalStateException if the chat is closed or another call is running
     */
    public Reply send(String text) {
        return stream(text, event -> {});
    }

    /**
     * Says something and waits for the answer in the form of a record, whatever form the chat's other answers have; its stop
     * strings do not count for this one. See {@link Constraint#jsonOf}. The model is told of the form behind the text, as {@link #messages()} shows; who does not want
     * that asks for the constraint's text and reads it.
     *
     * {@snippet :
     * record Weather(String city, int degrees) {}
     * Weather weather = chat.send("It is 12 degrees in Oslo.", Weather.class);
     * }
     *
     * @param <R> the record
     * @param text no part of it becomes a control token
     * @param type what the answer has to look like; the same types as in tools
     * @return the answer
     * @throws ContextOverflowException if the conversation does not fit the context
     * @throws IllegalArgumentException if tool calls are still to be answered, a component has a type without a schema, or the constructor of the
     *     record refuses the answer
     * @throws IllegalStateException if the chat is closed or another call is running, or the model calls a tool that the application has to answer
     * @throws CancellationException if the answer is cancelled
     */
    public <R extends Record> R send(String text, Class<R> type) {
        Constraint form = forms.computeIfAbsent(type, key -> Constraint.jsonOf(type));
        Reply reply = stream(options.constraint(form), List.of(Message.user(form.tell(text))), event -> {});
        return ChatRounds.bind(reply, type);
    }

    /**
     * Says something and hands over the answer as it comes.
     *
     * @param text no part of it becomes a control token
     * @param onEvent called by this thread; what it throws ends the answer and is thrown here
     * @return the answer; a cancelled one holds what there was
     * @throws ContextOverflowException if the conversation does not fit the context
     * @throws IllegalArgumentException if tool calls are still to be answered
     * @throws IllegalStateException if the chat is closed or another call is running
     */
    public Reply stream(String text, Consumer<? super Event> onEvent) {
        return stream(List.of(Message.user(text)), onEvent);
    }

    /**
     * Adds messages and hands over the answer as it comes.
     *
     * @param next a question, results of tools, or whole turns and a question; empty to have the last message answered
     * @param onEvent called by this thread; what it throws ends the answer and is thrown here
     * @return the answer; a cancelled one holds what there was
     * @throws ContextOverflowException if the conversation does not fit the context
     * @throws IllegalArgumentException if the messages have no place after those so far
     * @throws IllegalStateException if the chat is closed or another call is running
     */
    public Reply stream(List<Message> next, Consumer<? super Event> onEvent) {
        return stream(options, next, onEvent);
    }

    private Reply stream(ChatOptions changed, List<Message> next, Consumer<? super Event> onEvent) {
        Objects.requireNonNull(onEvent, "onEvent");
        enter();
        try {
            cancelled = false;
            List<Message> conversation = new ArrayList<>(messages);
            conversation.addAll(next);
            ChatTurns.check(conversation);
            Reply reply = new ChatRounds(model, changed, this::session, () -> cancelled || closed, onEvent).converse(conversation);
            onEvent.accept(new Event.Done(reply));
            if (ChatRounds.counts(reply)) {
                messages = List.copyOf(conversation);
            }
            return reply;
        } finally {
            inUse.set(false);
            if (closed) {
                close();
            }
        }
    }

    private Session session(int[] prompt) {
        if (lent == null && own.get() == null) {
            own.set(model.sessions().begin(prompt));
        }
        return lent == null ? own.get() : lent;
    }

    /**
     * Answers the calls of the last reply and waits for what the model makes of it.
     *
     * @param results one for each call, in its order: text, or what JSON has; see {@link Message.ToolResult}
     * @return the answer; a cancelled one holds what there was
     * @throws ContextOverflowException if the conversation does not fit the context
     * @throws IllegalArgumentException if there are not as many calls
     * @throws IllegalStateException if the chat is closed or another call is running
     */
    public Reply toolResults(Object... results) {
        List<Message> said = messages;
        List<Message.ToolCall> calls = said.isEmpty() ? List.of() : said.getLast().toolCalls();
        if (calls.isEmpty() || calls.size() != results.length) {
            throw new IllegalArgumentException("there are " + calls.size() + " tool calls to be answered, but " + results.length + " results");
        }
        List<Message.ToolResult> named = IntStream.range(0, results.length)
                .mapToObj(i -> new Message.ToolResult(calls.get(i).name(), results[i])).toList();
        return stream(List.of(Message.results(named)), event -> {});
    }

    private void enter() {
        if (!inUse.compareAndSet(false, true)) {
            throw new IllegalStateException("the chat is in use by another call; a chat belongs to one caller at a time");
        }
        if (closed) {
            inUse.set(false);
            throw new IllegalStateException("the chat is closed");
        }
    }

    /**
     * What has been said so far.
     *
     * @return the messages, the system's included, those of a running answer not
     */
    public List<Message> messages() {
        return messages;
    }

    /**
     * Replaces what has been said, to edit it or to go on from an earlier point. What both have in common at the start is not computed again.
     *
     * @param conversation all messages, the system's included
     * @throws IllegalArgumentException if one stands where it has no place
     * @throws IllegalStateException if another call is running
     */
    public void messages(List<Message> conversation) {
        enter();
        try {
            List<Message> copy = List.copyOf(conversation);
            ChatTurns.check(copy);
            messages = copy;
        } finally {
            inUse.set(false);
        }
    }

    /** Ends the answer that is being given, if there is one: it comes back with {@link FinishReason#CANCELLED}. From any thread. */
    public void cancel() {
        cancelled = true;
    }

    /** Ends what is running and frees its memory, unless that is a session that was lent. May be called from any thread, and more than once. */
    @Override
    public void close() {
        closed = true;
        Session session = own.getAndSet(null);
        if (session == null) {
            return;
        }
        if (inUse.get()) {
            session.close();
        } else {
            model.sessions().end(session);
        }
    }

    /** Sets up a chat. To be used by one thread. */
    public static final class Builder {
        private static final int DEFAULT_TOOL_ROUNDS = 8;

        private final Gemma4 model;
        private final List<Message> messages = new ArrayList<>();
        private final List<Tool> tools = new ArrayList<>();
        private Thinking thinking = Thinking.OFF;
        private SamplingOptions sampling;
        private int maxTokens = Integer.MAX_VALUE;
        private List<String> stop = List.of();
        private Overflow overflow = Overflow.FAIL;
        private int maxToolRounds = DEFAULT_TOOL_ROUNDS;
        private Session session;
        private Constraint constraint;
        private int logprobs;

        Builder(Gemma4 model) {
            this.model = model;
            this.sampling = model.samplingDefaults();
        }

        /**
         * The rules of the conversation, before everything else.
         *
         * @param text what the model has to keep to
         * @return this builder
         */
        public Builder system(String text) {
            messages.addFirst(Message.system(text));
            return this;
        }

        /**
         * What was said before.
         *
         * @param conversation messages in their order
         * @return this builder
         */
        public Builder messages(List<Message> conversation) {
            messages.addAll(conversation);
            return this;
        }

        /**
         * How much the model may think.
         *
         * @param value off by default
         * @return this builder
         */
        public Builder thinking(Thinking value) {
            thinking = Objects.requireNonNull(value, "thinking");
            return this;
        }

        /**
         * What the model may call. A call is answered at once if all tools that are called with it have handlers; else it is part of the reply.
         *
         * @param value one more tool
         * @return this builder
         */
        public Builder tool(Tool value) {
            return tools(List.of(value));
        }

        /**
         * As {@link #tool}, for several.
         *
         * @param values more tools
         * @return this builder
         */
        public Builder tools(List<Tool> values) {
            tools.addAll(values);
            return this;
        }

        /**
         * How many times tools with handlers are called before the reply is given as it is, its calls unanswered.
         *
         * @param value 8 by default; 0 leaves all calls to the application
         * @return this builder
         * @throws IllegalArgumentException if it is negative
         */
        public Builder maxToolRounds(int value) {
            if (value < 0) {
                throw new IllegalArgumentException("maxToolRounds must be at least 0, was " + value);
            }
            maxToolRounds = value;
            return this;
        }

        /**
         * Changes the sampling options, all of which are explained there.
         *
         * @param change of the options so far
         * @return this builder
         */
        public Builder sampling(UnaryOperator<SamplingOptions> change) {
            sampling = Objects.requireNonNull(change.apply(sampling), "sampling");
            return this;
        }

        /**
         * Ends an answer after a number of tokens, thoughts included. Without this it may fill the context.
         *
         * @param value at least 1
         * @return this builder
         * @throws IllegalArgumentException if it is less
         */
        public Builder maxTokens(int value) {
            if (value < 1) {
                throw new IllegalArgumentException("maxTokens must be at least 1, was " + value);
            }
            maxTokens = value;
            return this;
        }

        /**
         * Ends an answer where one of these would come up in its text; it is not part of the text.
         *
         * @param values none of them empty
         * @return this builder
         * @throws IllegalArgumentException if one is empty
         */
        public Builder stop(String... values) {
            stop = StopMatcher.checked(values);
            return this;
        }

        /**
         * What happens when the conversation has outgrown the context.
         *
         * @param value to fail by default
         * @return this builder
         */
        public Builder overflow(Overflow value) {
            overflow = Objects.requireNonNull(value, "overflow");
            return this;
        }

        /**
         * Lends the chat a session, for short-lived chats that go on where another one was: what it holds of the conversation is not computed again.
         *
         * @param value of the same model; used by nobody else while the chat answers, and closed by the caller; null for
         *     one of its own
         * @return this builder
         * @throws IllegalArgumentException if it belongs to another model
         */
        public Builder session(Session value) {
            session = value == null ? null : value.requireModel(model);
            return this;
        }

        /**
         * What every answer has to look like; thoughts and calls of tools may come before it. Not together with {@link #stop}.
         *
         * @param value held from the first token of an answer's text to the last
         * @return this builder
         */
        public Builder constraint(Constraint value) {
            constraint = Objects.requireNonNull(value, "constraint");
            return this;
        }

        /**
         * Asks for the log-probability of each token of an answer's text, and of the most likely ones at its place.
         *
         * @param count how many of the most likely ones; 0 for no log-probabilities at all
         * @return this builder
         * @throws IllegalArgumentException if it is negative
         */
        public Builder logprobs(int count) {
            if (count < 0) {
                throw new IllegalArgumentException("logprobs must be at least 0, was " + count);
            }
            logprobs = count;
            return this;
        }

        /**
         * Opens the chat.
         *
         * @return the chat; the caller closes it
         * @throws IllegalArgumentException if a message stands where it has no place, two tools have the same name, or there are stop strings beside a
         *     constraint
         * @throws IllegalStateException if the model is closed
         */
        public Chat build() {
            Tool.requireDistinctNames(tools);
            if (constraint != null && !stop.isEmpty()) {
                throw new IllegalArgumentException("a constraint ends the answer by itself; stop strings cannot be combined with it");
            }
            List<Message> conversation = List.copyOf(messages);
            ChatTurns.check(conversation);
            ChatOptions options = new ChatOptions(thinking, List.copyOf(tools), sampling, maxTokens, stop, overflow, maxToolRounds, constraint, constraint,
                    logprobs);
            return new Chat(model, options, conversation, session);
        }
    }
}
