package io.gemma4j;

import io.gemma4j.chat.CallSyntax;
import io.gemma4j.chat.ChannelRouter;
import io.gemma4j.tokenizer.Tokenizer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One answer of the model within a chat, on a session that the chat has entered. */
final class ChatRun {
    private static final Logger LOG = LoggerFactory.getLogger(Gemma4.class);

    private final ChatOptions options;
    private final Consumer<? super Chat.Event> sink;
    private final Tokenizer tokenizer;
    private final TokenRun run;
    private final ChannelRouter router;
    private final StopMatcher stops;
    private final StringBuilder text = new StringBuilder();
    private final StringBuilder thinking = new StringBuilder();
    private final List<Message.ToolCall> calls = new ArrayList<>();
    private final Deque<Integer> forced = new ArrayDeque<>();
    private final List<TokenScore> logprobs = new ArrayList<>();
    private final ConstrainedAnswer constrained; // null if any text will do
    private final int limitTokens;
    private int toldLogprobs;
    private int thoughtTokens;
    private boolean malformedCall;

    ChatRun(Gemma4 model, Session session, int[] prompt, ChatOptions options, BooleanSupplier cancelled, Consumer<? super Chat.Event> sink) {
        this.options = options;
        this.sink = sink;
        this.tokenizer = model.tokenizer();
        this.run = new TokenRun(model, session, prompt, options.sampling(), cancelled, ProgressListener.NONE, options.maxTokens(), options.logprobs(),
                options.constraint() != null);
        this.router = new ChannelRouter(tokenizer);
        this.stops = new StopMatcher(options.stop());
        this.constrained = options.constraint() == null ? null : new ConstrainedAnswer(model, options, prompt.length, router);
        this.limitTokens = Math.min(options.maxTokens(), ConstrainedText.roomTokens(model, prompt.length));
    }

    Reply run() {
        FinishReason reason = null;
        try {
            while (reason == null) {
                reason = step();
            }
            if (!stops.stopped()) {
                router.flush().forEach(this::deliver);
            }
            if (stops.stopped()) {
                reason = FinishReason.STOP_SEQUENCE;
            }
            say(stops.flush());
        } finally {
            run.end(reason == null ? FinishReason.CANCELLED : reason);
        }
        return new Reply(text.toString(), thinking.toString(), calls, reason, run.usage(), run.timings(), logprobs);
    }

    private int draw() {
        return constrained == null ? run.draw()
                : run.draw(draw -> constrained.draw(draw, remainingTokens(), !calls.isEmpty(), thoughtTokens > 0));
    }

    private int remainingTokens() {
        return limitTokens - run.tokens().size();
    }

    // Why it ends with this token, or null if it goes on.
    private FinishReason step() {
        int token;
        try {
            token = forced.isEmpty() ? draw() : run.force(forced.removeFirst());
        } catch (CancellationException e) {
            return FinishReason.CANCELLED;
        }
        if (tokenizer.isEndOfGeneration(token)) {
            return FinishReason.STOP;
        }
        List<ChannelRouter.Piece> pieces = router.accept(token);
        if (options.logprobs() > 0 && router.isAnswering() && !tokenizer.isControl(token)) {
            logprobs.add(run.logprobs().getLast());
        }
        pieces.forEach(this::deliver);
        limitThought();
        if (malformedCall) {
            return FinishReason.MALFORMED_TOOL_CALL;
        }
        if (stops.stopped()) {
            return FinishReason.STOP_SEQUENCE;
        }
        if (constrained != null && constrained.isComplete()) {
            return FinishReason.STOP;
        }
        if (run.tokens().size() >= options.maxTokens()) {
            return FinishReason.MAX_TOKENS;
        }
        return run.isFull() ? FinishReason.CONTEXT_FULL : null;
    }

    private void deliver(ChannelRouter.Piece piece) {
        switch (piece) {
            case ChannelRouter.Said(String said) -> {
                if (!stops.stopped()) {
                    say(stops.accept(said));
                }
            }
            case ChannelRouter.Thought(String thought) -> {
                thinking.append(thought);
                sink.accept(new Chat.Event.Thinking(thought));
            }
            case ChannelRouter.Called called -> call(called);
        }
    }

    private void say(String said) {
        if (!said.isEmpty()) {
            text.append(said);
            List<TokenScore> untold = logprobs.subList(toldLogprobs, logprobs.size());
            toldLogprobs = logprobs.size();
            sink.accept(new Chat.Event.Text(said, untold));
        }
    }

    private void call(ChannelRouter.Called called) {
        Message.ToolCall call;
        try {
            call = CallSyntax.read(called.body());
        } catch (IllegalArgumentException e) {
            LOG.debug("The answer ends: {}", e.getMessage());
            malformedCall = true;
            return;
        }
        calls.add(call);
        sink.accept(new Chat.Event.ToolCall(call));
    }

    // A thought that has used up its budget is closed the way the model does it.
    private void limitThought() {
        boolean needsRoom = constrained != null && constrained.needsRoom(remainingTokens());
        if (router.isThinking()) {
            thoughtTokens++;
        } else if (!needsRoom) {
            return;
        }
        if ((needsRoom || thoughtTokens >= options.thinking().budgetTokens()) && forced.isEmpty()) {
            IntStream.of(tokenizer.encode("\n", false)).forEach(forced::add);
            tokenizer.controlToken("<channel|>").ifPresent(forced::add);
        }
    }
}
